// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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

var transcripts = []string{"greeting", "orders", "people", "sensors"}

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

// show writes a message down with all that is taken over of it.
func show(m message) string {
	switch {
	case m.Info != nil:
		return fmt.Sprintf("info %+v", *m.Info)
	case m.Result != nil && m.Result.Failed:
		return fmt.Sprintf("failure %s %d %q", m.Result.ID, m.Result.Code, m.Result.Text)
	case m.Result != nil:
		return "result " + m.Result.ID + " " + showBody(m.Result.body)
	case m.Event != nil && m.Event.State != nil:
		return m.Event.Name + " " + showNode(*m.Event.State)
	case m.Event != nil && m.Event.Note != nil:
		return fmt.Sprintf("%s %d %+v", m.Event.Name, m.Event.Node, *m.Event.Note)
	case m.Event != nil:
		return fmt.Sprintf("%s %d %s = %s", m.Event.Name, m.Event.Node, m.Event.Path, m.Event.Value.text)
	}
	return "of no use"
}

func showBody(body sealed) string {
	switch text := string(body.text); {
	case strings.Contains(text, `"events"`):
		history, err := decodeHistory(body)
		var b strings.Builder
		for _, e := range history {
			fmt.Fprintf(&b, "\n  %d %+v", e.Node, *e.Note)
		}
		return fmt.Sprint(len(history), " events ", err, b.String())
	case strings.HasPrefix(text, `[{"node_id"`):
		nodes, err := decodeNodes(body)
		b := fmt.Sprint(len(nodes), " nodes ", err)
		for _, n := range nodes {
			b += showNode(n)
		}
		return b
	case strings.Contains(text, "nextUserIndex"):
		u, err := decodeUser(body)
		return fmt.Sprintf("user %+v %v", u, err)
	case strings.HasPrefix(text, "{"):
		answer, err := decodeAttributes(body)
		return fmt.Sprintf("attributes %v %v", showAttributes(answer), err)
	}
	return "(sealed)"
}

func showNode(n nodeState) string {
	b := fmt.Sprintf("\n  node %d available=%t", n.Node, n.Available)
	for _, text := range showAttributes(n.Attributes) {
		b += "\n    " + text
	}
	for _, endpoint := range n.endpoints() {
		text, _ := json.Marshal(n.discover(endpoint, false))
		b += "\n    found " + string(text)
	}
	return b
}

func showAttributes(all map[path]value) []string {
	var lines []string
	for p, v := range all {
		lines = append(lines, p.String()+" = "+v.text)
	}
	slices.Sort(lines)
	return lines
}

// TestTranscriptsEncode makes the recorded requests anew, byte by byte.
func TestTranscriptsEncode(t *testing.T) {
	state := path{1, clusterDoorLock, attrLockState}
	requests := map[string][]request{
		"greeting": {startListening()},
		"orders": {
			lockCommand(recordedLock, "UnlockDoor", noFields{}, recordedTime), lockCommand(recordedLock, "LockDoor", noFields{}, recordedTime),
			readAttributes(1, []path{state, {1, clusterPower, attrBattery}}, recordedTime),
			lockCommand(recordedLock, "UnlockWithTimeout", timeoutField{1}, recordedTime),
			writeAttribute(1, path{1, clusterDoorLock, attrRelock}, 5), lockCommand(recordedLock, "UnlockDoor", noFields{}, recordedTime),
		},
		"people":  {getUser(recordedLock, 1, recordedTime), getUser(recordedLock, 3, recordedTime)},
		"sensors": {diagnostics(), readAttributes(9, []path{state}, recordedTime)},
	}
	number := 0
	for _, name := range transcripts {
		var recorded []string
		for _, l := range transcript(t, name) {
			if l.direction == '>' {
				recorded = append(recorded, l.text)
			}
		}
		var made []string
		for _, r := range requests[name] {
			number++
			r.ID = fmt.Sprint(number)
			text, err := encode(r)
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, string(text))
		}
		if diff := cmp.Diff(recorded, made); diff != "" {
			t.Errorf("%s (-recorded +made):\n%s", name, diff)
		}
	}
}

// TestDecodeOdd decodes what no server should send.
func TestDecodeOdd(t *testing.T) {
	for _, test := range []struct {
		name, text string
		syntax     bool // the connection cannot go on
		fails      bool
		want       string
	}{
		{name: "not JSON", text: "ready", syntax: true},
		{name: "nothing of ours", text: "{}", syntax: true},
		{name: "a list", text: "[]", syntax: true},
		{name: "an unknown event", text: `{"event":"moon_rose","data":1}`, want: "of no use"},
		{name: "an attribute of no use", text: `{"event":"attribute_updated","data":[1,"0/31/0",[]]}`, want: "of no use"},
		{name: "an attribute at no path", text: `{"event":"attribute_updated","data":[1,"1/257",1]}`, fails: true},
		{name: "an attribute without a value", text: `{"event":"attribute_updated","data":[1]}`, fails: true},
		{name: "a node without a number", text: `{"event":"node_added","data":{}}`, fails: true},
		{name: "a bolt of an unknown sort", text: `{"event":"attribute_updated","data":[1,"1/257/0","up"]}`, want: `attribute_updated 1 1/257/0 = "up"`},
		{name: "an event of another cluster", text: `{"event":"node_event","data":{"cluster_id":59,"data":[]}}`, want: "of no use"},
		{name: "an event of a lock without data", text: `{"event":"node_event","data":{"node_id":1,"endpoint_id":1,"cluster_id":257,"event_id":2,"event_number":7,"data":null}}`,
			want: "node_event 1 {Endpoint:1 Cluster:257 Event:2 Number:7 Posix:0 Type:-1 Source:0 Error:0 Alarm:-1 User:0 Fabric:0}"},
		{name: "a failure in strange words", text: `{"message_id":"1","error_code":7,"details":"a\u0000b` + strings.Repeat("x", 500) + `"}`,
			want: `failure 1 7 "ab` + strings.Repeat("x", maxWord-2) + `"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := decode([]byte(test.text))
			if errors.Is(err, errSyntax) != test.syntax || (err != nil) != (test.syntax || test.fails) {
				t.Fatalf("error %v", err)
			}
			if err == nil && show(m) != test.want {
				t.Errorf("got %s, want %s", show(m), test.want)
			}
		})
	}
	if _, err := decode(make([]byte, maxMessage+1)); !errors.Is(err, errSyntax) {
		t.Errorf("a message too long: %v", err)
	}
}

// FuzzDecode: no message may make the decoder panic, keep more than it should,
// or give a node that cannot be described.
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
		if err != nil {
			return
		}
		if m.Result != nil {
			if len([]rune(m.Result.Text)) > maxWord {
				t.Error("a text longer than is kept")
			}
			showBody(m.Result.body)
			if _, err := decodeUser(m.Result.body); err == nil {
				_, _ = decodeHistory(m.Result.body)
			}
		}
		if m.Event == nil || m.Event.State == nil {
			return
		}
		for _, endpoint := range m.Event.State.endpoints() {
			d := m.Event.State.discover(endpoint, true)
			if d.Address == "" || len(d.Capabilities) == 0 || d.Weak == "" {
				t.Errorf("described as %+v", d)
			}
		}
	})
}
