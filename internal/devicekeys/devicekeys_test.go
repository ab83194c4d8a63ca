// SPDX-License-Identifier: Apache-2.0

package devicekeys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newAuthority(t *testing.T) (*Authority, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	a, err := Open(t.TempDir(), c.now)
	if err != nil {
		t.Fatal(err)
	}
	return a, c
}

func request(t *testing.T, key *ecdsa.PrivateKey, name string) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// enrol lets a device in and returns its certificate.
func enrol(t *testing.T, a *Authority, address string, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	code, _, err := a.Invite("store", address)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.Enrol(code.Secret, request(t, key, address))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func TestEnrolment(t *testing.T) {
	a, clock := newAuthority(t)
	code, expires, err := a.Invite("store", "till-3")
	if err != nil || !expires.Equal(clock.at.Add(CodeLife)) {
		t.Fatal(expires, err)
	}
	again, err := ParseCode(strings.ToLower(code.String()))
	if err != nil || again != code {
		t.Fatalf("%v is read as %v, %v", code, again, err)
	}
	// The name in the request is not believed.
	text, err := a.Enrol(code.Secret, request(t, newKey(t), "vault"))
	if err != nil {
		t.Fatal(err)
	}
	if address, err := a.Check(parse(t, text)); address != "till-3" || err != nil {
		t.Errorf("%q, %v", address, err)
	}
	if _, err := a.Enrol(code.Secret, request(t, newKey(t), "till-3")); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("the same code again: %v", err)
	}
	other, err := Open(a.folder, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	if address, err := other.Check(parse(t, text)); address != "till-3" || err != nil {
		t.Errorf("after opening again: %q, %v", address, err)
	}
	if all, err := other.Addresses(); len(all) != 1 || !other.Known("till-3") || other.Known("../devices/till-3") || err != nil {
		t.Errorf("%v, %v", all, err)
	}
}

func TestCodesEnd(t *testing.T) {
	a, clock := newAuthority(t)
	if a.invited() {
		t.Error("somebody is invited at first")
	}
	code, _, err := a.Invite("store", "till-3")
	if err != nil || !a.invited() {
		t.Fatal("not invited", err)
	}
	if _, err := a.Enrol(code.Secret, []byte("nonsense")); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("nonsense: %v", err)
	}
	if _, good := a.Invited(code.Secret); !good {
		t.Error("nonsense used the code up")
	}
	clock.at = clock.at.Add(CodeLife)
	if _, err := a.Enrol(code.Secret, request(t, newKey(t), "till-3")); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("after its time: %v", err)
	}
	if a.invited() {
		t.Error("still invited after its time")
	}
	if files, _ := os.ReadDir(filepath.Join(a.folder, codeFolder)); len(files) != 0 {
		t.Errorf("%d codes are left", len(files))
	}
	for _, bad := range []string{"", "till-3", "Store!/a/" + strings.Repeat("A", 52), "s/a/AAAA", "s/../" + strings.Repeat("A", 52)} {
		if _, err := ParseCode(bad); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestOneCodeOneDevice(t *testing.T) {
	a, _ := newAuthority(t)
	code, _, err := a.Invite("store", "till-3")
	if err != nil {
		t.Fatal(err)
	}
	requests := make([][]byte, 8)
	for i := range requests {
		requests[i] = request(t, newKey(t), "x")
	}
	var won sync.Map
	var group sync.WaitGroup
	for i, r := range requests {
		group.Go(func() {
			if _, err := a.Enrol(code.Secret, r); err == nil {
				won.Store(i, true)
			}
		})
	}
	group.Wait()
	n := 0
	won.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d devices enrolled with one code", n)
	}
}

// TestWhoIsRefused: certificates that are not good, each for its own reason.
func TestWhoIsRefused(t *testing.T) {
	a, clock := newAuthority(t)
	key := newKey(t)
	first := enrol(t, a, "till-3", key)
	foreign, _ := newAuthority(t)
	check := func(what string, c *x509.Certificate) {
		t.Helper()
		if address, err := a.Check(c); address != "" || !sashlock.IsKind(err, sashlock.Denied) {
			t.Errorf("%s: %q, %v", what, address, err)
		}
	}
	check("another authority", enrol(t, foreign, "till-3", key))
	shown, err := a.server(nil)
	if err != nil {
		t.Fatal(err)
	}
	check("the endpoint's own", shown.Leaf)
	second := enrol(t, a, "till-3", newKey(t))
	check("a key that was replaced", first)
	if _, err := a.Check(second); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if _, err := a.Renew("till-3", request(t, key, "till-3")); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("renewed for another key: %v", err)
	}
	clock.at = clock.at.Add(CertificateLife + time.Minute)
	check("one that has expired", second)
	clock.at = clock.at.Add(-CertificateLife)
	if err := a.Remove("till-3"); err != nil {
		t.Fatal(err)
	}
	check("one that was removed", second)
	if err := a.Remove("till-3"); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("removed again: %v", err)
	}
}

func TestRenewal(t *testing.T) {
	a, clock := newAuthority(t)
	key := newKey(t)
	enrol(t, a, "till-3", key)
	clock.at = clock.at.Add(CertificateLife - EndsSoon)
	if a.EndsSoon("till-3") {
		t.Error("the end is said to be near too early")
	}
	clock.at = clock.at.Add(EndsSoon - time.Hour)
	if !a.EndsSoon("till-3") {
		t.Error("the end is not said to be near")
	}
	text, err := a.Renew("till-3", request(t, key, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if ends, err := Ends(a.folder); err != nil || !ends["till-3"].Equal(parse(t, text).NotAfter) || a.EndsSoon("till-3") {
		t.Errorf("renewed, the ends are %s (%v)", ends, err)
	}
	clock.at = clock.at.Add(24 * time.Hour)
	if address, err := a.Check(parse(t, text)); address != "till-3" || err != nil {
		t.Errorf("%q, %v", address, err)
	}
}

// TestEndOfOlderEnrolments is a device that was enrolled before ends were kept,
// one whose end cannot be read, and one that was never enrolled.
func TestEndOfOlderEnrolments(t *testing.T) {
	a, clock := newAuthority(t)
	enrol(t, a, "till-3", newKey(t))
	if err := os.Remove(filepath.Join(a.folder, endFolder, "till-3")); err != nil {
		t.Fatal(err)
	}
	enrol(t, a, "till-4", newKey(t))
	if err := os.WriteFile(filepath.Join(a.folder, endFolder, "till-4"), []byte("soon"), 0o600); err != nil {
		t.Fatal(err)
	}
	ends, err := Ends(a.folder)
	if len(ends) != 1 || !ends["till-3"].Equal(clock.at.Add(CertificateLife)) || err == nil || !strings.Contains(err.Error(), "till-4") {
		t.Errorf("%s, %v", ends, err)
	}
	if err := a.Remove("till-4"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(a.folder, endFolder, "till-4")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the end of a device that was turned out is kept: %v", err)
	}
	if a.EndsSoon("till-5") {
		t.Error("a device that nobody enrolled has an end")
	}
	if _, err := Ends(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

func TestDamagedFiles(t *testing.T) {
	a, clock := newAuthority(t)
	for _, file := range []string{keyFile, certificateFile} {
		good, err := os.ReadFile(filepath.Join(a.folder, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(a.folder, file), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(a.folder, clock.now); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("%s damaged: %v", file, err)
		}
		if err := os.WriteFile(filepath.Join(a.folder, file), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
