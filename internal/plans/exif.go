// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"bytes"
	"encoding/binary"
)

// orientation reads from a JPEG how the camera was held: 1 to 8 as EXIF numbers
// them, 1 where nothing says otherwise. It is all that is read of EXIF, and
// nothing of EXIF is kept.
func orientation(photo []byte) int {
	rest, ok := bytes.CutPrefix(photo, []byte("\xff\xd8"))
	for ok && len(rest) >= 4 && rest[0] == 0xff {
		kind, size := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if kind == 0xda || size < 2 || len(rest) < 2+size { // the picture begins
			return 1
		}
		if tiff, is := bytes.CutPrefix(rest[4:2+size], []byte("Exif\x00\x00")); kind == 0xe1 && is {
			return orientationIn(tiff)
		}
		rest = rest[2+size:]
	}
	return 1
}

// orientationIn looks for tag 274 in the first directory.
func orientationIn(tiff []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 {
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 274 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}
