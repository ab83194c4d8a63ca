// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"bytes"
	"image"
	"image/draw"
	_ "image/png" // what the browser's pictures are
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/sashlock/sashlock/internal/browsertest"
)

// scale is how much finer the sheet is drawn than on a screen.
const scale = 3

// sticker is one sticker on the printed sheet of labels, as somebody sees it.
type sticker struct {
	Whose, Name, Tag         string
	Left, Top, Width, Height float64 // in CSS pixels
	CodeWidth, Overflow      float64
}

// stickers are read off the page: where each stands and what it says.
const stickers = `[...document.querySelectorAll(".sticker")].map((s) => {
	const r = s.getBoundingClientRect(), text = (q) => s.querySelector(q).textContent.trim();
	return { whose: text(".whose"), name: text(".name"), tag: text(".tag"), left: r.left, top: r.top, width: r.width, height: r.height,
		codeWidth: s.querySelector(".code").getBoundingClientRect().width, overflow: s.scrollWidth - s.clientWidth };
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
		if one.Overflow > 0 || one.CodeWidth < 113 { // 30 mm
			t.Errorf("%s for %s: its code is %.0f pixels wide, %.0f hang over", one.Name, one.Whose, one.CodeWidth, one.Overflow)
		}
		address := decode(t, cut(sheet, one))
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

// cut is a sticker, cut out of the sheet.
func cut(sheet image.Image, s sticker) image.Image {
	at := image.Rect(int(scale*s.Left), int(scale*s.Top), int(scale*(s.Left+s.Width)), int(scale*(s.Top+s.Height)))
	piece := image.NewGray(image.Rect(0, 0, at.Dx(), at.Dy()))
	draw.Draw(piece, piece.Bounds(), sheet, at.Min, draw.Src)
	return piece
}

// decode reads the code in a picture, as phones do: with another way of telling
// dark from light when the first finds nothing.
func decode(t *testing.T, picture image.Image) string {
	t.Helper()
	source := gozxing.NewLuminanceSourceFromImage(picture)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	var err error
	for _, way := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		dots, problem := gozxing.NewBinaryBitmap(way)
		if problem != nil {
			t.Fatal(problem)
		}
		read, problem := qrcode.NewQRCodeReader().Decode(dots, hints)
		if problem == nil {
			return read.GetText()
		}
		err = problem
	}
	t.Errorf("no code can be read: %v", err)
	return ""
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
