// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
)

func TestOnlyThisMachineIsAnswered(t *testing.T) {
	reached := 0
	guarded := loopbackOnly(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	try := func(method, host string, headers ...string) int {
		r := httptest.NewRequest(method, "http://"+host+"/v1/sites", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		before := reached
		guarded.ServeHTTP(w, r)
		if (reached > before) != (w.Code == 200) {
			t.Errorf("%s %s: status %d, reached %v", method, host, w.Code, reached > before)
		}
		return w.Code
	}
	for _, host := range []string{"127.0.0.1:7117", "127.0.0.1", "localhost:7117", "localhost", "LOCALHOST:1", "[::1]:7117", "[::1]", "127.5.5.5:1"} {
		if got := try("GET", host); got != 200 {
			t.Errorf("%s: status %d", host, got)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:7117", "127.0.0.1.evil.example:7117", "localhost.evil.example", "0.0.0.0:7117", "192.168.1.2:7117", "[fe80::1]:7117", "2130706433"} {
		if got := try("GET", host); got != http.StatusMisdirectedRequest {
			t.Errorf("%s: status %d", host, got)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		for _, headers := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
			{"Origin", "http://127.0.0.1:8080"}, // another program on this machine
		} {
			if got := try(method, "127.0.0.1:7117", headers...); got != 403 {
				t.Errorf("%s with %v: status %d", method, headers, got)
			}
		}
		if got := try(method, "127.0.0.1:7117"); got != 200 { // the command line sends neither
			t.Errorf("%s: status %d", method, got)
		}
		if got := try(method, "127.0.0.1:7117", "Origin", "http://127.0.0.1:7117"); got != 200 {
			t.Errorf("%s from our own page: status %d", method, got)
		}
	}
}

func TestConfigRefusesWhatItCannotDo(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":       {"listen: 127.0.0.1:1\nlisten_on: x\n", "listen_on"},
		"open to the world": {"listen: 0.0.0.0:7117\n", "listen"},
		"every address":     {"listen: :7117\n", "listen"},
		"no port":           {"listen: 127.0.0.1\n", "listen"},
		"a name":            {"gateways: [{name: Radio 1, driver: zwavejs}]\n", "gateways[0].name"},
		"the same name":     {"gateways: [{name: a, driver: zwavejs}, {name: a, driver: zwavejs}]\n", "gateways[1].name"},
		"a driver":          {"gateways: [{name: a, driver: magic}]\n", "gateways[0].driver"},
		"the simulation":    {"gateways: [{name: a, driver: sim}]\n", "gateways[0].driver"},
		"a wrong type":      {"journal_size: much\n", "line 1"},
		"a tag":             {"listen: !!binary\n", ""},
		"not YAML":          {"\t{", ""},
	} {
		data := t.TempDir()
		if err := os.WriteFile(filepath.Join(data, ConfigFile), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadConfig(data)
		if !sashlock.IsKind(err, sashlock.Invalid) || !strings.Contains(err.Error(), strings.TrimPrefix(c.want, "line ")) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if c, err := ReadConfig(t.TempDir()); err != nil || c.Listen != DefaultListen {
		t.Errorf("without a file: %+v, %v", c, err)
	}
}

func TestInitMakesSecretsOnceAndForTheOwnerOnly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "new")
	first, err := Init(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(data); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Errorf("a second time: %v", err)
	}
	again, err := ReadKeys(data)
	if err != nil || again.Verifier != first.Verifier || !again.Command.Equal(first.Command) {
		t.Errorf("read %v, %v", again.Verifier, err)
	}
	other, err := Init(filepath.Join(t.TempDir(), "other"))
	if err != nil || other.Verifier == first.Verifier || other.Command.Equal(first.Command) {
		t.Errorf("two folders share secrets: %v", err)
	}
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := ReadKeys(t.TempDir()); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Errorf("without keys: %v", err)
	}
	for _, name := range []string{ledgerKeyFile, verifierKeyFile, commandKeyFile} {
		path := filepath.Join(keyFolder(data), name)
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, damaged := range []string{"", "nonsense", string(kept[:len(kept)/2])} {
			if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadKeys(data); !sashlock.IsKind(err, sashlock.Invalid) {
				t.Errorf("%s damaged: %v", name, err)
			}
		}
		if err := os.WriteFile(path, kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The whole way: set up, serve, connect with what the connection file says, stop.
func TestServeAnswersWhoHasTheConnectionFile(t *testing.T) {
	data := t.TempDir()
	if _, err := Init(data); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	c.JournalSize = 1 << 20
	h, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // every start makes a new one
		if _, err := h.Connect(t.Context(), "http://"+l.Addr().String(), ConnectionFile); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(data, ConnectionFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	connection, err := ReadConnection(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, h.Handler(), l) }()
	ask := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), "GET", connection.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+connection.Token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := ask("/v1/tokens")
	var list struct{ Data []json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil || len(list.Data) != 2 {
		t.Errorf("tokens: %v, %v", list, err)
	}
	resp.Body.Close()
	stream := ask("/v1/events/stream") // an open stream does not hold up the stop
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serving ended with %v", err)
	}
	stream.Body.Close()
	if err := h.Stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if _, err := ReadConnection(filepath.Join(data, "config.yaml")); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Errorf("reading another file as a connection: %v", err)
	}
}

// Each start makes a new token for this machine and ends the one before.
func TestConnectEndsTheTokenBefore(t *testing.T) {
	dir := t.TempDir()
	if _, err := Init(dir); err != nil {
		t.Fatal(err)
	}
	config, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	config.JournalSize = 1 << 20
	h, err := New(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	first, err := h.Connect(t.Context(), "http://127.0.0.1:1", ConnectionFile)
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.Connect(t.Context(), "http://127.0.0.1:1", ConnectionFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Signin.Check(t.Context(), first.Token); !sashlock.IsKind(err, sashlock.Denied) {
		t.Errorf("the first token gives %v, want it denied", err)
	}
	if _, err := h.Signin.Check(t.Context(), second.Token); err != nil {
		t.Errorf("the second token gives %v", err)
	}
}
