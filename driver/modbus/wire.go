// SPDX-License-Identifier: Apache-2.0

package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The functions that are used.
const (
	readCoils  byte = 1
	readInputs byte = 2
	writeCoil  byte = 5
	writeWord  byte = 6

	refusal byte = 0x80 // set in the function of an answer that refuses
)

const (
	coilOn   = 0xff00
	headTCP  = 7
	maxFrame = 260
)

var (
	errUnreadable = errors.New("modbus: this is no answer")
	errCut        = errors.New("modbus: the answer is not all there")
)

// refused is a board's refusal: its exception code.
type refused byte

func (r refused) Error() string {
	return fmt.Sprintf("modbus: the board refused with code %d", byte(r))
}

// question makes the body of a question: a function, an address and a value or a
// count.
func question(function byte, address, value uint16) []byte {
	b := binary.BigEndian.AppendUint16([]byte{function}, address)
	return binary.BigEndian.AppendUint16(b, value)
}

// overTCP wraps a body for a connection.
func overTCP(number uint16, unit byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, number)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)+1))
	return append(append(b, unit), body...)
}

// overSerial wraps a body for a serial line.
func overSerial(unit byte, body []byte) []byte {
	b := append([]byte{unit}, body...)
	return binary.LittleEndian.AppendUint16(b, crc(b))
}

// crc is the sum of 16 bits that ends a frame of a serial line.
func crc(b []byte) uint16 {
	sum := uint16(0xffff)
	for _, c := range b {
		sum ^= uint16(c)
		for range 8 {
			odd := sum&1 == 1
			sum >>= 1
			if odd {
				sum ^= 0xa001
			}
		}
	}
	return sum
}

// fromTCP takes the first answer off b: its number, its body, and how long it
// was on the line.
func fromTCP(b []byte) (number uint16, unit byte, body []byte, n int, err error) {
	if len(b) < headTCP {
		return 0, 0, nil, 0, errCut
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if b[2] != 0 || b[3] != 0 || length < 2 || length > maxFrame-headTCP+1 {
		return 0, 0, nil, 0, errUnreadable
	}
	n = headTCP - 1 + length
	if len(b) < n {
		return 0, 0, nil, 0, errCut
	}
	return binary.BigEndian.Uint16(b), b[6], b[headTCP:n], n, nil
}

// fromSerial takes an answer off b.
func fromSerial(b []byte) (unit byte, body []byte, n int, err error) {
	if len(b) < 3 {
		return 0, nil, 0, errCut
	}
	switch {
	case b[1]&refusal != 0:
		n = 5
	case b[1] == readCoils || b[1] == readInputs:
		n = 5 + int(b[2])
	case b[1] == writeCoil || b[1] == writeWord:
		n = 8
	default:
		return 0, nil, 0, errUnreadable
	}
	if len(b) < n {
		return 0, nil, 0, errCut
	}
	if binary.LittleEndian.Uint16(b[n-2:]) != crc(b[:n-2]) {
		return 0, nil, 0, errUnreadable
	}
	return b[0], b[1 : n-2], n, nil
}

// check reports what is wrong with the answer to a question.
func check(question, answer []byte) error {
	switch {
	case len(answer) == 2 && answer[0] == question[0]|refusal:
		return refused(answer[1])
	case len(answer) < 2 || answer[0] != question[0]:
		return errUnreadable
	case question[0] == writeCoil || question[0] == writeWord:
		if string(answer) != string(question) {
			return errUnreadable
		}
	case len(answer) != 2+int(answer[1]) || int(answer[1]) != (int(binary.BigEndian.Uint16(question[3:]))+7)/8:
		return errUnreadable
	}
	return nil
}

// bit reads the first bit of an answer.
func bit(answer []byte) bool { return answer[2]&1 == 1 }
