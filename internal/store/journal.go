// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// The emergency journal is a file of fixed size, full of zeros when empty. It
// holds frames one after another:
//
//	4 bytes  length of the payload, little endian, never 0
//	4 bytes  CRC-32C over the CRC of the frame before, the length and the payload
//	         (chained, so that a frame left over from an earlier use never follows)
//	n bytes  payload
//
// The rules are:
//   - its space is taken when the disk is well: writing into it later needs none
//   - a frame is acknowledged after fdatasync returned without an error; a write
//     or sync that fails closes the journal for good, because what it left
//     cannot be known
//   - reading ends at the first frame that is not whole: it was never acknowledged

// DefaultJournalSize is the space taken for the emergency journal: some 160,000
// events.
const DefaultJournalSize = 64 << 20

const frameHeader = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journal is the open file. The zero journal is one that cannot be used.
type journal struct {
	file *os.File
	size int64
	used int64  // where the next frame goes
	sum  uint32 // CRC of the last frame
	bad  error  // why it cannot be used any more
}

var errJournalFull = errors.New("the emergency journal is full")

// openJournalFile opens the journal, or makes one of the given size, and
// returns the frames that are in it.
func openJournalFile(path string, size int64) (j journal, frames [][]byte, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return journal{}, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return journal{}, nil, err
	}
	if have := info.Size(); have < size {
		if err := fill(f, have, size); err != nil {
			return journal{}, nil, fmt.Errorf("taking %d bytes for the emergency journal: %w", size, err)
		}
	} else {
		size = have
	}
	frames, used, sum, err := readFrames(io.NewSectionReader(f, 0, size), size)
	if err != nil {
		return journal{}, nil, fmt.Errorf("reading the emergency journal: %w", err)
	}
	return journal{file: f, size: size, used: used, sum: sum}, frames, nil
}

// fill writes zeros from one offset to another and syncs them.
func fill(f *os.File, from, to int64) error {
	zeros := make([]byte, 1<<20)
	for from < to {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return f.Sync()
}

// readFrames reads the whole frames from the beginning, and returns where they
// end and the last one's CRC. Only a failure to read is an error.
func readFrames(r io.Reader, size int64) (frames [][]byte, used int64, sum uint32, err error) {
	var header [frameHeader]byte
	for used+frameHeader <= size {
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return frames, used, sum, readEnd(err)
		}
		length := int64(binary.LittleEndian.Uint32(header[:4]))
		if length == 0 || length > size-used-frameHeader {
			break
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return frames, used, sum, readEnd(err)
		}
		next := frameSum(sum, payload)
		if next != binary.LittleEndian.Uint32(header[4:]) {
			break
		}
		frames = append(frames, payload)
		used += frameHeader + length
		sum = next
	}
	return frames, used, sum, nil
}

// readEnd takes the end of the file for the end of the frames.
func readEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// frameSum returns the CRC of a frame that follows one with CRC before.
func frameSum(before uint32, payload []byte) uint32 {
	var chained [8]byte
	binary.LittleEndian.PutUint32(chained[:4], before)
	binary.LittleEndian.PutUint32(chained[4:], uint32(len(payload)))
	return crc32.Update(crc32.Checksum(chained[:], castagnoli), castagnoli, payload)
}

// usable reports whether a frame may be tried.
func (j *journal) usable() bool { return j.file != nil && j.bad == nil }

// append writes one frame and waits until it is on disk.
func (j *journal) append(payload []byte) error {
	if !j.usable() {
		return errors.Join(errors.New("there is no emergency journal"), j.bad)
	}
	length := int64(len(payload))
	if length == 0 || j.used+frameHeader+length > j.size {
		return errJournalFull
	}
	sum := frameSum(j.sum, payload)
	frame := make([]byte, frameHeader, frameHeader+length)
	binary.LittleEndian.PutUint32(frame[:4], uint32(length))
	binary.LittleEndian.PutUint32(frame[4:], sum)
	frame = append(frame, payload...)
	if _, err := j.file.WriteAt(frame, j.used); err != nil {
		j.bad = err
		return err
	}
	if err := datasync(j.file); err != nil {
		j.bad = err
		return err
	}
	j.used += int64(len(frame))
	j.sum = sum
	return nil
}

// read returns the frames that are in it.
func (j *journal) read() ([][]byte, error) {
	if j.file == nil || j.used == 0 {
		return nil, nil
	}
	frames, _, _, err := readFrames(io.NewSectionReader(j.file, 0, j.used), j.used)
	return frames, err
}

// reset empties the journal: its first frame's length becomes 0 first of all.
func (j *journal) reset() error {
	if j.used == 0 {
		return nil
	}
	if err := fill(j.file, 0, j.used); err != nil {
		return err
	}
	j.used, j.sum, j.bad = 0, 0, nil
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}
