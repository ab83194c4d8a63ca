// SPDX-License-Identifier: Apache-2.0

package consoletest

import (
	"image"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// ReadQR is what a QR code says, read with a decoder that is not ours; "",
// and the test has failed, if it cannot be read. The picture holds the code and
// nothing else, and the decoder is told so: the part of it that looks for a code
// in a photograph miscounts the squares of one perfect code in five hundred.
func ReadQR(t *testing.T, picture image.Image) string {
	t.Helper()
	source := gozxing.NewLuminanceSourceFromImage(picture)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
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
