// SPDX-License-Identifier: Apache-2.0

package gateways_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
	"github.com/sashlock/sashlock/internal/access"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/store"
)

// radio is a driver whose gateways do what a test says.
type radio struct {
	says   func(ctx context.Context, sink driver.Sink)
	config json.RawMessage // that it was last opened with
	closed int
}

func (*radio) Name() string { return "radio" }

func (*radio) Manifest() (driver.Manifest, error) {
	return driver.ReadManifest([]byte(`name: radio
title: Radio
reaches: Nothing.
tested: simulated
config:
  - {key: url, title: Address, kind: url, required: true, example: "ws://127.0.0.1:1"}
  - {key: slots, title: Slots, kind: number, default: "30"}
  - {key: password_file, title: File, kind: secret_file, example: /etc/word}
  - {key: password_env, title: Variable, kind: secret_env, example: WORD}
  - {key: client, title: Name, kind: text, example: store-1, session_only: true}
  - {key: kept, title: Kept, kind: kept_folder, example: /var/lib/x}
  - {key: port, title: Port, kind: serial_port, example: /dev/ttyUSB0}
  - {key: readers, title: Readers, kind: rows, fields: [{key: key_file, title: Key, kind: secret_file, required: true, example: /etc/key}]}
`))
}

func (*radio) Check(config json.RawMessage) error {
	var c struct {
		URL      string `json:"url"`
		Slots    int    `json:"slots"`
		File     string `json:"password_file"`
		Env      string `json:"password_env"`
		ClientID string `json:"client"`
		Kept     string `json:"kept"`
		Port     string `json:"port"`
		Readers  []struct {
			Key string `json:"key_file"`
		} `json:"readers"`
	}
	if err := driver.DecodeConfig(config, &c); err != nil {
		return err
	}
	if c.URL == "" {
		return driver.BadConfig("url", "give the address")
	}
	return nil
}

func (d *radio) Open(ctx context.Context, config json.RawMessage, sink driver.Sink) (driver.Session, error) {
	d.config = config
	if d.says != nil {
		d.says(ctx, sink)
	}
	return d, nil
}

func (d *radio) Close() error { d.closed++; return nil }

// wires stands in for the sessions of package devices.
type wires struct {
	mu   sync.Mutex
	open map[string]string
	log  []string
}

func (w *wires) Open(_ context.Context, name string, d driver.Driver, config json.RawMessage) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[name] = string(config)
	w.log = append(w.log, "open "+name)
	return nil
}

func (w *wires) Shut(_ context.Context, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, is := w.open[name]; is {
		w.log = append(w.log, "shut "+name)
	}
	delete(w.open, name)
	return nil
}

func (w *wires) Has(name string) bool { _, is := w.open[name]; return is }

type bench struct {
	*gateways.Room
	t     *testing.T
	wires *wires
	radio *radio
}

func newBench(t *testing.T) *bench {
	t.Helper()
	secret, _, err := note.GenerateKey(nil, "store.example/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "store.db"), Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	book, err := flow.NewBook(access.Facts{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Join(t.TempDir(), "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(secrets, "word"), []byte("xyzzy"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, wires: &wires{open: map[string]string{"sim": ""}}, radio: &radio{}}
	b.Room = gateways.New(gateways.Options{
		Store: s, Hall: flow.New(flow.Options{Store: s, Now: time.Now, Epoch: 1, Dispatch: func(sashlock.Command) {}}, book),
		Sessions: b.wires, Drivers: map[string]driver.Driver{"radio": b.radio}, Secrets: secrets, Kept: filepath.Join(t.TempDir(), "gateways"), OfFile: []string{"filed"}, Log: slog.New(slog.DiscardHandler),
	})
	return b
}

func (b *bench) save(name string, rev int64, config map[string]any) error {
	return b.Save(b.t.Context(), "op_1", gateways.Gateway{Name: name, Driver: "radio", Config: config}, rev)
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) list() (all []gateways.Gateway) {
	b.t.Helper()
	b.must(b.Store.View(b.t.Context(), func(q store.Query) (err error) { all, err = gateways.List(q); return err }))
	return all
}

func TestAGatewayIsSavedConnectedChangedAndRemoved(t *testing.T) {
	b := newBench(t)
	b.must(b.save("one", 0, map[string]any{"url": "ws://a:1", "password_file": "word"}))
	b.must(b.save("one", 1, map[string]any{"url": "ws://b:1", "slots": int64(3)}))
	if diff := cmp.Diff([]gateways.Gateway{{Name: "one", Driver: "radio", Config: map[string]any{"url": "ws://b:1", "slots": 3.0}, Rev: 2}}, b.list()); diff != "" {
		t.Error(diff)
	}
	b.must(b.save("one", 2, map[string]any{"url": "ws://b:1", "slots": int64(3)})) // connects anew, changes nothing
	if err := b.save("one", 1, map[string]any{"url": "ws://c:1"}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a change of what somebody else changed: %v", err)
	}
	b.must(b.Remove(t.Context(), "op_1", "one", 2))
	if err := b.Remove(t.Context(), "op_1", "one", 2); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("removed again: %v", err)
	}
	if len(b.list()) != 0 {
		t.Error("it is still there")
	}
	if diff := cmp.Diff([]string{"open one", "shut one", "open one", "shut one", "open one", "shut one"}, b.wires.log); diff != "" {
		t.Error(diff)
	}
	events, err := b.Store.Events(t.Context(), store.EventQuery{})
	b.must(err)
	var said []string
	for _, e := range events {
		if e.Subject == "one" {
			said = append(said, string(e.Kind)+" "+string(e.Operator)+" "+string(e.Data))
		}
	}
	want := []string{
		`gateway.saved op_1 {"changed":["password_file","url"],"driver":"radio"}`,
		`gateway.saved op_1 {"changed":["password_file","slots","url"],"driver":"radio"}`,
		`gateway.removed op_1 `,
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

// Whoever sets up gateways must not be able to send any file of the machine, or
// any variable, to an address of theirs.
func TestOnlyTheFolderOfSecretsCanBeNamed(t *testing.T) {
	b := newBench(t)
	outside := filepath.Join(filepath.Dir(b.Secrets), "key")
	b.must(os.WriteFile(outside, []byte("the key of the ledger"), 0o600))
	b.must(os.Mkdir(filepath.Join(b.Secrets, "folder"), 0o700))
	for _, value := range []any{"../key", outside, "/etc/passwd", "missing", "folder", ".", "..", "", "a/b", "word\x00", `..\key`, 3, []any{"word"}} {
		for _, key := range []string{"password_file", "readers[0].key_file"} {
			config := map[string]any{"url": "ws://a:1", key: value}
			if strings.HasPrefix(key, "readers") {
				config = map[string]any{"url": "ws://a:1", "readers": []any{map[string]any{"key_file": value}}}
			}
			e, is := errors.AsType[*sashlock.Error](b.save("one", 0, config))
			if !is || e.Kind != sashlock.Invalid || e.Subject != key || e.Hint == "" {
				t.Errorf("%s %q: %v", key, value, e)
			}
		}
	}
	for key, values := range map[string][]any{
		"kept": {"../keys", "/etc", "", ".."}, "port": {"/dev/sda", "/dev/../etc/passwd", "/dev/ttyUSB0/../sda", "ttyUSB0", "/dev/serial/by-id/../../sda"},
	} {
		for _, value := range values {
			if e, is := errors.AsType[*sashlock.Error](b.save("one", 0, map[string]any{"url": "ws://a:1", key: value})); !is || e.Subject != key {
				t.Errorf("%s %v: %v", key, value, e)
			}
		}
	}
	for _, name := range []any{"HOME", "PATH", "SASHLOCK_TOKEN", 1} {
		if e, is := errors.AsType[*sashlock.Error](b.save("one", 0, map[string]any{"url": "ws://a:1", "password_env": name})); !is || e.Subject != "password_env" {
			t.Errorf("%v: %v", name, e)
		}
	}
	if len(b.wires.log) != 0 || len(b.list()) != 0 {
		t.Error("something of it was kept or connected")
	}
	b.must(b.save("one", 0, map[string]any{"url": "ws://a:1", "kept": "keys", "port": "/dev/serial/by-id/usb-FTDI_1-if00", "password_file": "word", "password_env": "SASHLOCK_GATEWAY_WORD", "readers": []any{map[string]any{"key_file": "word"}}}))
	at, _ := json.Marshal(filepath.Join(b.Secrets, "word"))
	for _, want := range []string{`"password_file":` + string(at), `"readers":[{"key_file":` + string(at) + `}]`} {
		if got := b.wires.open["one"]; !strings.Contains(got, want) {
			t.Errorf("the driver got %s, want %s", got, want)
		}
	}
	if info, err := os.Stat(filepath.Join(b.Kept, "keys")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder that the driver keeps things in: %v, %v", info, err)
	}
	yaml := b.YAML(b.list()[0])
	if !strings.Contains(yaml, "name: one\n") || !strings.Contains(yaml, filepath.Join(b.Secrets, "word")) || strings.Contains(yaml, "xyzzy") {
		t.Errorf("as YAML:\n%s", yaml)
	}
	if diff := cmp.Diff([]string{"word"}, b.Files()); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAndDriversThatCannotBe(t *testing.T) {
	b := newBench(t)
	b.must(b.save("one", 0, map[string]any{"url": "ws://a:1"}))
	for name, kind := range map[string]sashlock.Kind{"": sashlock.Invalid, "Two": sashlock.Invalid, "a/b": sashlock.Invalid, "filed": sashlock.Conflict, "one": sashlock.Conflict, "sim": sashlock.Conflict} {
		e, is := errors.AsType[*sashlock.Error](b.save(name, 0, map[string]any{"url": "ws://a:1"}))
		if !is || e.Kind != kind || e.Subject != "name" {
			t.Errorf("%q: %v", name, e)
		}
	}
	if err := b.Save(t.Context(), "", gateways.Gateway{Name: "two", Driver: "carrier-pigeon"}, 0); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("a driver that does not exist: %v", err)
	}
	for field, config := range map[string]map[string]any{"url": {}, "xyzzy": {"url": "ws://a:1", "xyzzy": 1}} {
		if e, is := errors.AsType[*sashlock.Error](b.save("two", 0, config)); !is || e.Subject != field {
			t.Errorf("%v: %v", config, e)
		}
	}
}

// A gateway whose settings went wrong meanwhile does not keep the store from
// starting, and the file's gateway of the same name goes first.
func TestStartOpensWhatItCan(t *testing.T) {
	b := newBench(t)
	b.must(b.save("good", 0, map[string]any{"url": "ws://a:1"}))
	b.must(b.save("bad", 0, map[string]any{"url": "ws://a:1", "password_file": "word"}))
	b.must(os.Remove(filepath.Join(b.Secrets, "word")))
	again := gateways.New(b.Options)
	again.OfFile = []string{"good"}
	b.wires.open = map[string]string{}
	b.must(again.Start(t.Context()))
	if len(b.wires.open) != 0 {
		t.Errorf("open: %v", b.wires.open)
	}
	trouble := again.Trouble()
	if !strings.Contains(trouble["bad"], "password_file") || !strings.Contains(trouble["good"], "config.yaml") {
		t.Errorf("%v", trouble)
	}
	b.must(b.Room.Start(t.Context()))
	if _, open := b.wires.open["good"]; !open || len(b.wires.open) != 1 {
		t.Errorf("open: %v", b.wires.open)
	}
}

func TestTry(t *testing.T) {
	device := driver.Discovery{Address: "2", Name: "Back door"}
	for name, test := range map[string]struct {
		says func(context.Context, driver.Sink)
		want gateways.Trial
	}{
		"reached": {func(ctx context.Context, s driver.Sink) {
			s.Gateway(ctx, true, "")
			_ = s.Found(ctx, device)
			_ = s.Found(ctx, device)
			_ = s.Heard(ctx, driver.Report{})
		}, gateways.Trial{Up: true, Devices: []driver.Discovery{device}, Took: time.Second}},
		"empty": {func(ctx context.Context, s driver.Sink) { s.Gateway(ctx, true, "") }, gateways.Trial{Up: true, Took: 4 * time.Second}},
		"away":  {func(ctx context.Context, s driver.Sink) { s.Gateway(ctx, false, "connection refused") }, gateways.Trial{Why: "connection refused", Took: 2 * time.Second}},
		"mute":  {func(context.Context, driver.Sink) {}, gateways.Trial{Took: 10 * time.Second}},
	} {
		b := newBench(t)
		b.radio.says = test.says
		synctest.Test(t, func(t *testing.T) {
			got, err := b.Try(t.Context(), gateways.Gateway{Driver: "radio", Config: map[string]any{"url": "ws://a:1", "client": "store-1"}})
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		})
		if b.radio.closed != 1 || strings.Contains(string(b.radio.config), "store-1") {
			t.Errorf("%s: closed %d times, opened with %s", name, b.radio.closed, b.radio.config)
		}
		if len(b.list()) != 0 || len(b.wires.log) != 0 {
			t.Errorf("%s: something was kept", name)
		}
		if _, err := b.Try(t.Context(), gateways.Gateway{Driver: "radio"}); !sashlock.IsKind(err, sashlock.Invalid) {
			t.Errorf("without an address: %v", err)
		}
	}
}
