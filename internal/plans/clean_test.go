// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/sashlock/sashlock"
)

// halves is a picture whose left half is red and whose right half is blue.
func halves(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{200, 0, 0, 255}
			if x >= w/2 {
				c = color.RGBA{0, 0, 200, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// asJPEG is a photo with EXIF that says how the camera was held, and a secret.
func asJPEG(t testing.TB, img image.Image, orientation uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = append(binary.BigEndian.AppendUint16(tiff, orientation), "\x00\x00\x00\x00\x00\x00secret place"...)
	exif := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte("\xff\xd8\xff\xe1"), binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	return append(append(out, exif...), b.Bytes()[2:]...)
}

func TestPNGIsWrittenAnew(t *testing.T) {
	upload := append(asPNG(t, halves(40, 20)), "<script>secret</script>"...)
	p, err := Clean(upload)
	if err != nil || p.Width != 40 || p.Height != 20 || p.Kind != PNG || bytes.Contains(p.Content, []byte("secret")) {
		t.Fatalf("%d × %d %s, %v", p.Width, p.Height, p.Kind, err)
	}
	if _, err := png.Decode(bytes.NewReader(p.Content)); err != nil {
		t.Error(err)
	}
}

// claiming is a PNG of one point that says it has many more.
func claiming(t *testing.T, w, h uint32) []byte {
	b := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

func TestPicturesThatAreTooMuch(t *testing.T) {
	if _, err := Clean(claiming(t, 100_000, 100_000)); !sashlock.IsKind(err, sashlock.Limit) {
		t.Error("a PNG of 10,000 million points:", err)
	}
	if _, err := CleanPhoto(claiming(t, 5001, 5000)); !sashlock.IsKind(err, sashlock.Limit) {
		t.Error("a photo of 25 million points:", err)
	}
	if _, err := Clean(claiming(t, 4000, 4000)); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Error("a PNG that has fewer points than it says:", err)
	}
	if _, err := Clean(append(asPNG(t, halves(2, 2)), make([]byte, MaxPNG)...)); !sashlock.IsKind(err, sashlock.Limit) {
		t.Error("a PNG of more than 4 MB:", err)
	}
	for _, junk := range []string{"", "\x89PNG", "\x89PNG\r\n\x1a\n", "\xff\xd8", "\xff\xd8\xff\xe1\x00", "GIF89a", "<svg/>"} {
		if _, err := CleanPhoto([]byte(junk)); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("photo %q: %v", junk, err)
		}
		if _, err := Clean([]byte(junk)); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("picture %q: %v", junk, err)
		}
	}
}

func TestPhotoIsSmallUprightAndTellsNothing(t *testing.T) {
	// Where the red half is for each way of holding the camera: left, right, top, bottom.
	red := map[uint16]image.Point{1: {0, 1}, 2: {2, 1}, 3: {2, 1}, 4: {0, 1}, 5: {1, 0}, 6: {1, 0}, 7: {1, 2}, 8: {1, 2}}
	for held, at := range red {
		t.Run(fmt.Sprint(held), func(t *testing.T) {
			p, err := CleanPhoto(asJPEG(t, halves(2000, 750), held))
			if err != nil {
				t.Fatal(err)
			}
			w, h := 1600, 600
			if held >= 5 {
				w, h = h, w
			}
			if p.Width != w || p.Height != h || p.Kind != JPEG || bytes.Contains(p.Content, []byte("secret")) || bytes.Contains(p.Content, []byte("Exif")) {
				t.Fatalf("%d × %d %s", p.Width, p.Height, p.Kind)
			}
			img, err := jpeg.Decode(bytes.NewReader(p.Content))
			if err != nil {
				t.Fatal(err)
			}
			r, _, b, _ := img.At(at.X*(w-1)/2, at.Y*(h-1)/2).RGBA()
			if r < 3*b {
				t.Errorf("red %d, blue %d where it should be red", r>>8, b>>8)
			}
		})
	}
}

func FuzzCleanPhoto(f *testing.F) {
	f.Add(asJPEG(f, halves(8, 4), 6))
	f.Add(asPNG(f, halves(4, 4)))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, upload []byte) {
		if n := orientation(upload); n < 1 || n > 8 {
			t.Fatal("orientation", n)
		}
		if len(upload) > 4096 {
			return
		}
		if p, err := CleanPhoto(upload); err == nil && (p.Width > photoSide || p.Height > photoSide) {
			t.Errorf("%d × %d", p.Width, p.Height)
		}
	})
}
