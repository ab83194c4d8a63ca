// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	_ "image/png" // what the browser's pictures are
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/consoletest"
)

// scale is how much finer the sheet is drawn than on a screen.
const scale = 3

// sticker is one sticker on the printed sheet of labels, as somebody sees it.
type sticker struct {
	Whose, Name, Tag string
	Code             square
	Overflow         float64
}

// square is where the code of a sticker stands, in CSS pixels.
type square struct{ Left, Top, Width, Height float64 }

// stickers are read off the page: where each stands and what it says.
const stickers = `[...document.querySelectorAll(".sticker")].map((s) => {
	const r = s.getBoundingClientRect(), c = s.querySelector(".code").getBoundingClientRect(), text = (q) => s.querySelector(q).textContent.trim();
	return { whose: text(".whose"), name: text(".name"), tag: text(".tag"), 
		code: { left: c.left, top: c.top, width: c.width, height: c.height }, overflow: s.scrollWidth - s.clientWidth };
})`

// TestPrintedLabels prints the labels of a store and reads their codes with a
// decoder that is not ours: each leads where the words above it say.
func TestPrintedLabels(t *testing.T) {
	s := open(t, 1)
	b := browsertest.Open(t, s.url)
	b.Go("/devices/labels?site=porto")
	b.Press("Issue tags")
	b.See("For customers", "Scan to unlock")
	// The sheet at three times the size of a screen, 288 dots an inch: less than
	// any printer has.
	b.Do(chromedp.EmulateViewport(718, 1600, chromedp.EmulateScale(scale)))
	_, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	if err != nil {
		t.Fatal(err)
	}
	sheet, _, err := image.Decode(bytes.NewReader(b.Picture()))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{} // by opening: for whom there is a sticker
	for _, one := range browsertest.Eval[[]sticker](b, stickers) {
		if one.Overflow > 0 || one.Code.Width < 113 { // 30 mm
			t.Errorf("%s for %s: its code is %.0f pixels wide, %.0f hang over", one.Name, one.Whose, one.Code.Width, one.Overflow)
		}
		code := cut(sheet, one.Code)
		if white := margin(code); white*12 < code.Bounds().Dx() { // four squares of some forty
			t.Errorf("%s for %s: %d dots of white around the code are too few", one.Name, one.Whose, white)
		}
		address := consoletest.ReadQR(t, code)
		page, says := "/c/", one.Name
		if one.Whose == "For customers" {
			page, says = "/help/", "Call somebody"
		}
		if want := s.url + page + one.Tag; address != want {
			t.Errorf("%s, %s: the code leads to %q, not to %q", one.Name, one.Whose, address, want)
			continue
		}
		found[one.Name] = append(found[one.Name], one.Whose)
		if text := read(t, address); !strings.Contains(text, one.Name) || !strings.Contains(text, says) {
			t.Errorf("%s, %s: the page of %s is another", one.Name, one.Whose, address)
		}
	}
	both := 0
	for name, whose := range found {
		if len(whose) == 2 && whose[0] == "For customers" && whose[1] == "For staff" {
			both++
		} else if len(whose) != 1 || whose[0] != "For staff" || strings.HasPrefix(name, "Jewellery") {
			t.Errorf("%s: stickers %v", name, whose)
		}
	}
	if both < 5 || both == len(found) {
		t.Errorf("%d of %d openings have a code for customers: %v", both, len(found), found)
	}
}

// cut is the code of a sticker, cut out of the sheet.
func cut(sheet image.Image, s square) image.Image {
	at := image.Rect(int(scale*s.Left), int(scale*s.Top), int(scale*(s.Left+s.Width)), int(scale*(s.Top+s.Height)))
	piece := image.NewGray(image.Rect(0, 0, at.Dx(), at.Dy()))
	draw.Draw(piece, piece.Bounds(), sheet, at.Min, draw.Src)
	return piece
}

// margin is how many columns of a picture are white, from its left edge on.
func margin(picture image.Image) int {
	size := picture.Bounds()
	for x := size.Min.X; x < size.Max.X; x++ {
		for y := size.Min.Y; y < size.Max.Y; y++ {
			if color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y < 128 {
				return x - size.Min.X
			}
		}
	}
	return size.Dx()
}

// read gets a page as whoever scanned its address does.
func read(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s: %d, %v", address, answer.StatusCode, err)
	}
	return string(text)
}
