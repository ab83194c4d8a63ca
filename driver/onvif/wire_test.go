// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTokenDigest computes the example of the ONVIF Application Programmer's
// Guide (1.0, 6.1.1.3).
func TestTokenDigest(t *testing.T) {
	nonce, err := base64.StdEncoding.DecodeString("LKqI6G/AikKCQrN0zqZFlg==")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tokenDigest(nonce, "2010-09-16T07:50:45Z", "userpassword"), "tuOSpGlFlIXsozq4HFNeeGeFLEI="; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	a, b := token("<ana>", "secret", time.Unix(0, 0)), token("<ana>", "secret", time.Unix(0, 0))
	if a == b || strings.Contains(a, "secret") || !strings.Contains(a, "&lt;ana&gt;") || !strings.Contains(a, "1970-01-01T00:00:00Z") {
		t.Errorf("token %s", a)
	}
}

// TestHTTPDigest computes the examples of RFC 7616, section 3.9.1.
func TestHTTPDigest(t *testing.T) {
	for algorithm, want := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		c := digestChallenge(http.Header{"Www-Authenticate": {
			"Basic realm=\"x\"", "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=" + algorithm +
				", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
		}})
		got := c.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", 1)
		if !strings.Contains(got, `response="`+want+`"`) || !strings.Contains(got, "nc=00000001, ") || strings.Contains(got, "Circle") {
			t.Errorf("%s: %s", algorithm, got)
		}
	}
	if c := digestChallenge(http.Header{"Www-Authenticate": {`Digest realm="a", algorithm=SHA-512-256`, `Digest `, `Digest x`}}); c != nil && c.algorithm != "" {
		t.Errorf("took the challenge %+v", c)
	}
	best := digestChallenge(http.Header{"Www-Authenticate": {`Digest realm="a", nonce="1"`, `Digest realm="a", nonce="2", algorithm=SHA-256`}})
	if best == nil || best.nonce != "2" {
		t.Errorf("the best challenge is %+v", best)
	}
}

// TestDecode reads answers of every sort, and odd ones.
func TestDecode(t *testing.T) {
	f := newFake(t)
	doors, next, err := decodeDoors([]byte(f.answer("GetDoorInfoList", "", "h")))
	if err != nil || next != "2" || len(doors) != 1 || !doors[0].Can.LockMonitor || doors[0].Can.Lock != true {
		t.Errorf("doors %+v, %q, %v", doors, next, err)
	}
	if points, _, err := decodePoints([]byte(f.answer("GetAccessPointInfoList", "", "h"))); err != nil || points["ap1"] != "d1" {
		t.Errorf("points %v, %v", points, err)
	}
	state, err := decodeState([]byte(f.answer("GetDoorState", "<p:Token>d1</p:Token>", "h")))
	if diff := cmp.Diff(doorState{Door: "Closed", Lock: "Locked", Tamper: "NotInTamper"}, state); err != nil || diff != "" {
		t.Errorf("state: %v\n%s", err, diff)
	}
	f.answer("CreatePullPointSubscription", "", "h")
	notes, err := decodeNotes([]byte(f.answer("PullMessages", "", "h")))
	want := []note{{
		Topic: "Door/State/DoorPhysicalState", At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Initial: true,
		Source: map[string]string{"DoorToken": "d1"}, Data: map[string]string{"State": "Closed"},
	}}
	if diff := cmp.Diff(want, notes); err != nil || diff != "" {
		t.Errorf("notes: %v\n%s", err, diff)
	}
	if got := faultIn([]byte(soapFault("ActionNotSupported", "no\x07 such"))); got != nil {
		t.Errorf("a fault with a control character: %+v", got)
	}
	if got := faultIn([]byte(soapFault("ActionNotSupported", "none"))); got == nil || *got != (fault{"ActionNotSupported", "none"}) {
		t.Errorf("fault %+v", got)
	}
	for name, text := range map[string]string{
		"nothing": "", "not XML": "hello", "half": envelope("")[:40], "another document": "<html><Body/></html>", "no state": envelope("<x/>"),
		"a document type": `<!DOCTYPE x [<!ENTITY a "b">]>` + envelope("<GetDoorStateResponse><DoorState/></GetDoorStateResponse>"),
		"too deep":        envelope(strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth)),
		"too many":        envelope(strings.Repeat("<a/>", maxElements)),
		"too long":        envelope(strings.Repeat(" ", maxAnswer)),
	} {
		if _, err := decodeState([]byte(text)); !errors.Is(err, errShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecode: no answer may make a decoder panic or keep more than it should.
func FuzzDecode(f *testing.F) {
	fake := newFakeAnswers()
	for _, name := range []string{
		"GetSystemDateAndTime", "GetServices", "GetDeviceInformation", "GetDoorInfoList", "GetAccessPointInfoList", "CreatePullPointSubscription",
		"PullMessages", "GetDoorState", "Moon",
	} {
		f.Add([]byte(fake.answer(name, "<p:Token>d1</p:Token>", "h")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = decodeClock(text)
		_, _ = decodeServices(text)
		_, _ = decodePullPoint(text)
		_, _, _ = decodePoints(text)
		_, _ = decodeState(text)
		if fault := faultIn(text); fault != nil && len([]rune(fault.Error())) > 2*maxWord+1 {
			t.Errorf("a fault of %d bytes", len(fault.Error()))
		}
		if a, err := decodeAbout(text); err == nil && len([]rune(a.Maker)) > maxWord {
			t.Error("a name longer than is kept")
		}
		doors, _, _ := decodeDoors(text)
		for _, d := range doors {
			if !isToken(d.Token) || discover(d, about{}, true).Weak == "" {
				t.Errorf("door %+v", d)
			}
		}
		notes, _ := decodeNotes(text)
		for _, n := range notes {
			for name := range n.Data {
				if !kept[name] {
					t.Errorf("kept %q", name)
				}
			}
		}
	})
}

// FuzzChallenge: no challenge may make the reader of it panic, nor lead out of
// the header.
func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="a", qop="auth", nonce="b", algorithm=SHA-256, opaque="c"`)
	f.Add(`Digest realm=a,nonce="b`)
	f.Fuzz(func(t *testing.T, line string) {
		c := digestChallenge(http.Header{"Www-Authenticate": {line}})
		if c == nil {
			return
		}
		if got := c.answer("u", "secret", "POST", "/", "client", 1); strings.Contains(got, "secret") && !strings.Contains(line, "secret") {
			t.Errorf("answer %q", got)
		}
	})
}
