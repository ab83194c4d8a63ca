// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock/driver"
)

var update = flag.Bool("update", false, "write the golden files anew")

// line is one line of a transcript.
type line struct {
	direction byte // '<' from the server, '>' from us, '#' a remark
	text      string
}

// transcript reads a recorded transcript.
func transcript(t testing.TB, name string) []line {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for _, l := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if len(l) < 2 || l[1] != ' ' {
			t.Fatalf("%s: a line without a direction: %q", name, l)
		}
		lines = append(lines, line{l[0], l[2:]})
	}
	return lines
}

var transcripts = []string{"greeting", "unlock", "supervised", "jam", "people", "sensors", "codes", "release", "dead"}

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestTranscriptsDecode reads every recorded line of the server.
func TestTranscriptsDecode(t *testing.T) {
	for _, name := range transcripts {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, l := range transcript(t, name) {
				if l.direction != '<' {
					fmt.Fprintf(&b, "%c %s\n", l.direction, l.text)
					continue
				}
				m, err := decode([]byte(l.text))
				if err != nil {
					t.Fatalf("%v: %s", err, l.text)
				}
				fmt.Fprintf(&b, "< %s\n", show(m))
			}
			golden(t, name, b.String())
		})
	}
}

// show writes a message down with all it holds.
func show(m message) string {
	text := func(v any) string {
		text, _ := json.Marshal(v)
		return string(text)
	}
	switch {
	case m.Version != nil:
		return "version " + text(m.Version)
	case m.Result != nil && strings.Contains(string(m.Result.body.text), `"nodes"`):
		state, err := decodeState(m.Result.body)
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		fmt.Fprintf(&b, "state of %x", state.HomeID)
		for _, n := range state.Nodes {
			values := n.Values
			n.Values = nil
			fmt.Fprintf(&b, "\n  node %s", text(n))
			for _, v := range values {
				fmt.Fprintf(&b, "\n    value %s", text(v))
			}
		}
		return b.String()
	case m.Result != nil:
		return "result " + text(m.Result)
	case m.Event != nil:
		return "event " + text(m.Event)
	}
	return "of no use"
}

// TestTranscriptsEncode makes every recorded request anew, byte by byte.
func TestTranscriptsEncode(t *testing.T) {
	requests := map[string][]request{
		"greeting":   {initialize(wantSchema), startListening()},
		"unlock":     {setMode(2, 0, modeUnsecured), invoke(2, 0, classDoorLock, "get")},
		"supervised": {setMode(3, 0, modeUnsecured), setMode(3, 0, modeSecured)},
		"jam":        {setMode(4, 0, modeUnsecured), invoke(4, 0, classDoorLock, "get"), setMode(3, 0, modeUnsecured)},
		"sensors":    {invoke(3, 0, classBattery, "get")},
		"codes":      {invoke(2, 0, classUserCode, "getUsersCount"), invoke(2, 0, classUserCode, "get", 3), invoke(2, 0, classUserCode, "get", 4)},
		"release":    {invoke(2, 0, classDoorLock, "getConfiguration"), invoke(2, 0, classDoorLock, "setConfiguration", recordedConfiguration()), setMode(2, 0, modeTimed)},
		"dead":       {setMode(4, 0, modeUnsecured), ping(4), nodeStateOf(99)},
	}
	id := 0
	for _, name := range transcripts {
		var want, got []string
		for _, l := range transcript(t, name) {
			if l.direction == '>' {
				want = append(want, l.text)
			}
		}
		for _, r := range requests[name] {
			id++
			r.ID = fmt.Sprint(id)
			text, err := encode(r)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(text))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-recorded +made):\n%s", name, diff)
		}
	}
}

// TestTranscriptsAnswers opens the bodies of recorded answers.
func TestTranscriptsAnswers(t *testing.T) {
	bodies := func(name string) (all []sealed) {
		for _, l := range transcript(t, name) {
			if m, err := decode([]byte(l.text)); l.direction == '<' && err == nil && m.Result != nil {
				all = append(all, m.Result.body)
			}
		}
		return all
	}
	jam := bodies("jam")
	if s, err := decodeSet(jam[0]); err != nil || s != setUnsupervised {
		t.Errorf("a jammed lock without Supervision: %d, %v", s, err)
	}
	if r, ok, err := decodeLock(jam[1]); err != nil || !ok || r != (lockReport{Mode: modeSecured, Door: "closed"}) {
		t.Errorf("what it says when read: %+v, %t, %v", r, ok, err)
	}
	if s, err := decodeSet(jam[2]); err != nil || s != 2 {
		t.Errorf("a jammed lock with Supervision: %d, %v", s, err)
	}
	codes := bodies("codes")
	if n, ok := decodeNumber(codes[0]); !ok || n != 10 {
		t.Errorf("slots: %d, %t", n, ok)
	}
	for i, want := range []slotStatus{slotEnabled, slotFree} {
		if s, ok, err := decodeSlot(codes[1+i]); err != nil || !ok || s != want {
			t.Errorf("slot: %d, %t, %v, want %d", s, ok, err, want)
		}
	}
	if level, ok := decodeLevel(bodies("sensors")[0]); !ok || level != 7 {
		t.Errorf("level: %d, %t", level, ok)
	}
}

// TestNoPINSurvivesDecoding puts a PIN wherever Z-Wave JS has been seen to put
// one, and some places more, and looks for it in all that decoding returns.
func TestNoPINSurvivesDecoding(t *testing.T) {
	const at = `"commandClass":99,"endpoint":0,"propertyKey":3`
	lines := []string{
		`{"type":"event","event":{"source":"node","event":"value updated","nodeId":2,"args":{` + at + `,"property":"userCode","newValue":"739184","prevValue":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"value added","nodeId":2,"args":{"commandClass":99,"property":"adminCode","newValue":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"value added","nodeId":2,"args":{"commandClass":131,"property":"credential","newValue":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"value updated","nodeId":2,"args":{"commandClass":112,"property":3,"newValue":739184}}}`,
		`{"type":"event","event":{"source":"node","event":"value updated","nodeId":2,"args":{` + at + `,"property":"userIdStatus","newValue":"1","prevValue":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"notification","nodeId":2,"ccId":113,"args":{"type":6,"event":6,"parameters":{"userId":3,"userCode":"739184"}}}}`,
		`{"type":"event","event":{"source":"node","event":"notification","nodeId":2,"ccId":111,"args":{"eventType":2,"eventData":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"credential added","nodeId":2,"args":{"data":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"notification","nodeId":2,"ccId":113,"args":{"type":"739184"}}}`,
		`{"type":"event","event":{"source":"node","event":"ready","nodeId":2,"nodeState":{"nodeId":2,"values":[{` + at + `,"property":"userCode","value":"739184"}]}}}`,
		`{"type":"result","success":true,"messageId":"1","result":{"response":{"userIdStatus":1,"userCode":"739184"}}}`,
		`{"type":"result","success":true,"messageId":"1","result":{"state":{"nodes":[{"nodeId":2,"values":[{` + at + `,"property":"userCode","value":"739184"}]}]}}}`,
	}
	for _, text := range lines {
		m, err := decode([]byte(text))
		said := fmt.Sprintf("%v %+v %#v %s %v", m, m, m, show(m), err)
		if m.Event != nil {
			said += fmt.Sprintf("%+v %+v %+v", m.Event.Value, m.Event.Note, m.Event.State)
		}
		if m.Result != nil {
			state, err := decodeState(m.Result.body)
			said += fmt.Sprintf("%+v %#v %s %d %x %q %+v %v", *m.Result, *m.Result, m.Result.body, m.Result.body, m.Result.body, m.Result.body, state, err)
			slot, _, err := decodeSlot(m.Result.body)
			said += fmt.Sprintf("%v %v", slot, err)
		}
		if strings.Contains(said, "739184") || strings.Contains(said, fmt.Sprintf("%x", "739184")) {
			t.Errorf("the PIN survived in\n%s\nof\n%s", said, text)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "not JSON": "hello", "a list": "[1]", "no type": "{}", "a wrong type": `{"type":1}`,
		"too long":                  `{"type":"event","x":"` + strings.Repeat("x", maxMessage) + `"}`,
		"a result without a number": `{"type":"result","success":true}`,
	} {
		if m, err := decode([]byte(text)); !errors.Is(err, errSyntax) {
			t.Errorf("%s: %+v, %v, want errSyntax", name, m, err)
		}
	}
	for name, text := range map[string]string{
		"an event of a wrong shape": `{"type":"event","event":{"source":"node","event":"ready","nodeId":2,"nodeState":{"nodeId":"x"}}}`,
		"a node without a number":   `{"type":"event","event":{"source":"node","event":"ready","nodeId":2,"nodeState":{}}}`,
		"a value of a wrong shape":  `{"type":"event","event":{"source":"node","event":"value updated","nodeId":2,"args":[]}}`,
		"a list for an event":       `{"type":"event","event":[]}`,
	} {
		if m, err := decode([]byte(text)); err == nil || errors.Is(err, errSyntax) {
			t.Errorf("%s: %+v, %v, want an error that the connection survives", name, m, err)
		}
	}
	for name, text := range map[string]string{
		"another message": `{"type":"log","x":1}`,
		"another event":   `{"type":"event","event":{"source":"node","event":"test powerlevel progress","nodeId":2}}`,
	} {
		if m, err := decode([]byte(text)); err != nil || m != (message{}) {
			t.Errorf("%s: %+v, %v, want nothing", name, m, err)
		}
	}
}

func TestScalars(t *testing.T) {
	for text, want := range map[string]scalar{
		``: {}, `null`: {}, `{}`: {}, `[1]`: {}, `1.5`: {}, `1e3`: {}, `99999999999`: {}, `"`: {},
		`255`: {Kind: scalarNumber, Number: 255}, `-1`: {Kind: scalarNumber, Number: -1},
		`true`: {Kind: scalarBool, Number: 1}, `false`: {Kind: scalarBool},
		`"open"`: {Kind: scalarWord, Word: "open"}, `"a\u0000b\u202ec"`: {Kind: scalarWord, Word: "abc"},
	} {
		if got := toScalar(json.RawMessage(text)); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	if got := short(strings.Repeat("é", 200)); len([]rune(got)) != maxWord {
		t.Errorf("a long word has %d characters", len([]rune(got)))
	}
}

// FuzzDecode looks for messages that make decoding panic, or that decode into
// something that breaks its promises.
func FuzzDecode(f *testing.F) {
	for _, name := range transcripts {
		for _, l := range transcript(f, name) {
			if l.direction == '<' {
				f.Add([]byte(l.text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decode(text)
		if err != nil && m != (message{}) {
			t.Errorf("an error and a message: %+v", m)
		}
		if m.Event != nil && m.Event.Value != nil && m.Event.Value.Now.Kind != scalarNone && !readable(m.Event.Value.Class, m.Event.Value.Property) {
			t.Errorf("a value that may not be read: %+v", m.Event.Value)
		}
		if m.Event != nil && m.Event.State != nil && (m.Event.State.Node < 1 || len([]rune(m.Event.State.Name)) > maxWord) {
			t.Errorf("a node out of bounds: %+v", m.Event.State)
		}
		if m.Result != nil {
			_, _ = decodeState(m.Result.body)
			_, _, _ = decodeLock(m.Result.body)
			_, _, _ = decodeSlot(m.Result.body)
			_, _, _ = decodeHeld(m.Result.body, driver.PIN{})
			_, _ = decodeYearDay(m.Result.body)
			_, _ = decodeSet(m.Result.body)
			_, _ = decodeLevel(m.Result.body)
			_, _ = decodeNumber(m.Result.body)
			_, _ = decodeConfiguration(m.Result.body)
			_, _ = decodeNodeAnswer(m.Result.body)
		}
	})
}
