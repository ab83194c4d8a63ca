// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/sashlock/sashlock/internal/lang"
)

// The limits of pictures made of points.
const (
	MaxUpload   = 12 << 20 // bytes of any picture
	MaxPNG      = 4 << 20  // bytes of the picture of a plan
	maxSide     = 4096     // points along a side of the picture of a plan
	maxPoints   = 25_000_000
	photoSide   = 1600 // points along the longer side of a photo that is kept
	jpegQuality = 82
)

// Clean makes the picture of a plan safe to show: a drawing by [CleanSVG], a
// PNG by decoding and encoding it again.
func Clean(upload []byte) (Picture, error) {
	if !bytes.HasPrefix(upload, []byte("\x89PNG")) {
		if bytes.HasPrefix(upload, []byte("\xff\xd8")) {
			return Picture{}, unfit(lang.Mark("a plan is an SVG or PNG picture: photos belong to openings"), nil)
		}
		return CleanSVG(upload)
	}
	if len(upload) > MaxPNG {
		return Picture{}, tooMuch(lang.Mark("a PNG may have 4 MB at most: make it smaller"))
	}
	size, err := png.DecodeConfig(bytes.NewReader(upload))
	if err != nil {
		return Picture{}, unfit(lang.Mark("this PNG cannot be read: export it again"), err)
	}
	if size.Width > maxSide || size.Height > maxSide {
		return Picture{}, tooMuch(lang.Mark("a PNG may have 4096 points along each side at most: make it smaller"))
	}
	img, err := png.Decode(bytes.NewReader(upload))
	if err != nil {
		return Picture{}, unfit(lang.Mark("this PNG cannot be read: export it again"), err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
		return Picture{}, unfit(lang.Mark("this PNG cannot be written again: export it with 8 bits a channel"), err)
	}
	return Picture{Kind: PNG, Width: size.Width, Height: size.Height, Content: out.Bytes()}, nil
}

// CleanPhoto makes a photo safe to show: a JPEG of at most 1600 points along
// its longer side, upright, with nothing of what the camera noted beside it,
// such as where it was taken. It takes JPEG and PNG.
func CleanPhoto(upload []byte) (Picture, error) {
	if len(upload) > MaxUpload {
		return Picture{}, tooMuch(lang.Mark("a photo may have 12 MB at most: make it smaller"))
	}
	decode, measure, turn := jpeg.Decode, jpeg.DecodeConfig, orientation(upload)
	if bytes.HasPrefix(upload, []byte("\x89PNG")) {
		decode, measure = png.Decode, png.DecodeConfig
	} else if !bytes.HasPrefix(upload, []byte("\xff\xd8")) {
		return Picture{}, unfit(lang.Mark("a photo is a JPEG or PNG picture"), nil)
	}
	size, err := measure(bytes.NewReader(upload))
	if err != nil {
		return Picture{}, unfit(lang.Mark("this photo cannot be read"), err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxPoints/size.Height {
		return Picture{}, tooMuch(lang.Mark("a photo may have 25 million points at most: make it smaller"))
	}
	img, err := decode(bytes.NewReader(upload))
	if err != nil {
		return Picture{}, unfit(lang.Mark("this photo cannot be read"), err)
	}
	small := turned(shrunk(img, photoSide), turn)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return Picture{}, unfit(lang.Mark("this photo cannot be written again"), err)
	}
	return Picture{Kind: JPEG, Width: small.Rect.Dx(), Height: small.Rect.Dy(), Content: out.Bytes()}, nil
}

// shrunk is a picture with sides of at most so many points, on white. Each of
// its points is the mean of those that it stands for.
func shrunk(img image.Image, side int) *image.RGBA {
	from := img.Bounds()
	w, h := from.Dx(), from.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, w*side/long), max(1, h*side/long)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	points, quick := img.(image.RGBA64Image) // every picture of the standard decoders is one
	if !quick {
		return out
	}
	for y := range h {
		top, bottom := from.Min.Y+y*from.Dy()/h, from.Min.Y+max((y+1)*from.Dy()/h, y*from.Dy()/h+1)
		for x := range w {
			left, right := from.Min.X+x*from.Dx()/w, from.Min.X+max((x+1)*from.Dx()/w, x*from.Dx()/w+1)
			mean(points, image.Rect(left, top, right, bottom), out.Pix[out.PixOffset(x, y):])
		}
	}
	return out
}

// mean writes the mean colour of a part of a picture, on white.
func mean(img image.RGBA64Image, part image.Rectangle, to []uint8) {
	var sum [3]uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			c := img.RGBA64At(x, y)
			for i, v := range [3]uint16{c.R, c.G, c.B} {
				sum[i] += uint64(v) + 0xffff - uint64(c.A)
			}
		}
	}
	n := uint64(part.Dx() * part.Dy())
	for i := range sum {
		to[i] = uint8(sum[i] / n >> 8)
	}
	to[3] = 0xff
}

// turned is a picture turned and mirrored as one of the eight orientations of
// EXIF says (CIPA DC-008, tag 274).
func turned(img *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	ow, oh := w, h
	if orientation >= 5 {
		ow, oh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range oh {
		for x := range ow {
			sx, sy := source(orientation, x, y, w, h)
			copy(out.Pix[out.PixOffset(x, y):][:4], img.Pix[img.PixOffset(sx, sy):][:4])
		}
	}
	return out
}

// source is where a point of the upright picture comes from.
func source(orientation, x, y, w, h int) (sx, sy int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	default:
		return w - 1 - y, x
	}
}
