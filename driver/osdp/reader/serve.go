// SPDX-License-Identifier: Apache-2.0

package reader

import (
	"bytes"
	"io"
	"time"

	"github.com/sashlock/sashlock/internal/osdp"
)

// silence is how long a wire may be silent within a frame. On a serial line that
// would be 20 ms; a serial server may hand characters on later, and every panel waits
// longer than this before it repeats an order.
const silence = 40 * time.Millisecond

// Serve lets readers answer on a wire until it ends.
func Serve(wire io.ReadWriter, readers ...*Reader) error {
	var s osdp.Scanner
	buf := make([]byte, 512)
	last := time.Now()
	for {
		n, err := wire.Read(buf)
		if err != nil {
			return err
		}
		now := time.Now()
		if now.Sub(last) > silence {
			s.Reset() // what was begun will not be ended: a garbled frame may have looked like a long one
		}
		last = now
		s.Write(buf[:n])
		for {
			f, text, found := s.Next()
			if !found {
				break
			}
			for _, r := range readers {
				answer := r.hear(f, text)
				if answer == nil {
					continue
				}
				if _, err := wire.Write(append([]byte{osdp.Mark}, answer...)); err != nil {
					return err
				}
			}
		}
	}
}

// hear returns the wire form of the answer to a frame; nil: none.
func (r *Reader) hear(f osdp.Frame, text []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Reply || r.silent || f.Address != r.options.Address && f.Address != osdp.Broadcast {
		return nil
	}
	reply := osdp.Frame{Address: r.options.Address, Reply: true, Checksum: f.Checksum}
	switch {
	case f.Sequence == 0:
		r.channel, r.answer = nil, nil
	case f.Sequence == r.sequence && bytes.Equal(text, r.last):
		return r.said
	case f.Sequence != r.sequence%3+1:
		return r.refuse(reply, f, osdp.NakSequence)
	}
	if r.busy > 0 {
		r.busy--
		reply.Code = osdp.BUSY
		return reply.Append(nil)
	}
	r.sequence, r.last = f.Sequence, bytes.Clone(text)
	reply.Sequence = f.Sequence
	r.said = r.reply(f, reply)
	return r.said
}

func (r *Reader) refuse(reply, f osdp.Frame, why byte) []byte {
	r.channel, r.answer = nil, nil
	reply.Sequence, reply.Code, reply.Data = f.Sequence, osdp.NAK, []byte{why}
	return reply.Append(nil)
}

// reply answers an order that is new.
func (r *Reader) reply(f, reply osdp.Frame) []byte {
	sealed := f.Signed()
	if sealed {
		if r.channel == nil {
			return r.refuse(reply, f, osdp.NakCondition)
		}
		var err error
		if f, err = r.channel.Open(f); err != nil {
			return r.refuse(reply, f, osdp.NakCondition)
		}
	}
	open := f.Code == osdp.ID || f.Code == osdp.CAP || f.Code == osdp.CHLNG || f.Code == osdp.SCRYPT
	if !sealed && !open && (r.key != nil || r.channel != nil) {
		return r.refuse(reply, f, osdp.NakCondition)
	}
	r.orders[f.Code]++
	reply.Code, reply.Data = osdp.ACK, nil
	if f.Code == osdp.CHLNG || f.Code == osdp.SCRYPT {
		r.agree(f, &reply)
	} else {
		r.obey(f, &reply, sealed)
	}
	if sealed {
		var err error
		if reply, err = r.channel.Seal(reply); err != nil {
			return nil
		}
	}
	if r.lies != nil {
		reply = r.lies(reply)
	}
	return reply.Append(nil)
}

// agree does the reader's part of the handshake.
func (r *Reader) agree(f osdp.Frame, reply *osdp.Frame) {
	address, sequence := reply.Address, reply.Sequence
	refused := osdp.Frame{Address: address, Reply: true, Sequence: sequence, Code: osdp.NAK, Data: []byte{osdp.NakNoSecure}}
	*reply = refused
	if r.options.Clear {
		return
	}
	reply.Data[0] = osdp.NakCondition
	var out osdp.Frame
	var err error
	if f.Code == osdp.CHLNG {
		key, factory := osdp.DefaultKey(), len(f.Block) == 1 && f.Block[0] == 0
		if factory != (r.key == nil) {
			return
		}
		if !factory {
			key = *r.key
		}
		r.answer, out, err = osdp.Answer(key, f, [8]byte{r.options.Identity.Vendor[0]}, random())
	} else {
		if r.answer == nil {
			return
		}
		r.channel, out, err = r.answer.Confirm(f)
		r.answer = nil
	}
	if err == nil {
		*reply = out
		reply.Address, reply.Sequence = address, sequence
	}
}

// obey carries out an order.
func (r *Reader) obey(f osdp.Frame, reply *osdp.Frame, sealed bool) {
	no := func(why byte) { reply.Code, reply.Data = osdp.NAK, []byte{why} }
	switch f.Code {
	case osdp.POLL:
		if len(r.queue) > 0 {
			reply.Code, reply.Data = r.queue[0].Code, r.queue[0].Data
			r.queue = r.queue[1:]
		}
	case osdp.ID:
		reply.Code, reply.Data = osdp.PDID, r.options.Identity.Bytes()
	case osdp.CAP:
		reply.Code, reply.Data = osdp.PDCAP, r.capabilities()
	case osdp.LSTAT:
		reply.Code, reply.Data = osdp.LSTATR, r.status()
	case osdp.ISTAT:
		reply.Code, reply.Data = osdp.ISTATR, bits(r.inputs)
	case osdp.OSTAT:
		reply.Code, reply.Data = osdp.OSTATR, r.relays()
	case osdp.LED:
		r.light, _, _ = osdp.ReadLight(f.Data)
	case osdp.BUZ:
		if len(f.Data) == 5 {
			r.beeps += int(f.Data[4])
		}
	case osdp.OUT:
		n, how, during, ok := osdp.ReadSwitch(f.Data)
		switch {
		case !ok || int(n) >= len(r.outputs):
			no(osdp.NakRecord)
		case how == osdp.OnFor:
			r.setFor(int(n), during)
		default:
			r.set(int(n), how == osdp.On, how == osdp.On)
		}
	case osdp.KEYSET:
		key, ok := osdp.ReadKey(f.Data)
		if !ok || !sealed {
			no(osdp.NakCondition)
			return
		}
		r.key = &key
	default:
		no(osdp.NakUnknown)
	}
}

func (r *Reader) capabilities() []byte {
	out := []byte{
		osdp.CanInputs, 1, byte(len(r.inputs)), osdp.CanOutputs, 1, byte(len(r.outputs)),
		osdp.CanLED, 2, 1, osdp.CanBuzzer, 1, 1, 8, 1, 0,
	}
	if r.options.Clear {
		return append(out, osdp.CanSecure, 0, 0)
	}
	return append(out, osdp.CanSecure, 1, 1)
}
