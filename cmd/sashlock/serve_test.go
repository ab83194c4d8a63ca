// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
)

// A store node that starts while nothing can be recorded goes on, and writes
// its connection file when it can.
func TestConnectionFileIsWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		finished, err := untilWritten(t.Context(), slog.New(slog.DiscardHandler), func() error {
			if tried++; tried < 4 {
				return &sashlock.Error{Kind: sashlock.Unavailable, Op: "writing"}
			}
			return nil
		})
		if err != nil || tried != 1 {
			t.Fatalf("tried %d times, %v", tried, err)
		}
		<-time.After(time.Minute)
		if tried != 4 {
			t.Errorf("tried %d times, want 4", tried)
		}
		finished()
	})
}

func TestConnectionFileIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		finished, err := untilWritten(t.Context(), slog.New(slog.DiscardHandler), func() error {
			tried++
			return &sashlock.Error{Kind: sashlock.Unavailable}
		})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(3*connectEvery + time.Millisecond)
		finished()
		<-time.After(time.Minute)
		if tried != 4 {
			t.Errorf("tried %d times, want 4: once at first, thrice before it was finished", tried)
		}
	})
	wrong := errors.New("the folder is gone")
	if finished, err := untilWritten(t.Context(), slog.New(slog.DiscardHandler), func() error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("%v, want %v", err, wrong)
	} else {
		finished()
	}
}

// An address that is taken by the store node of the same folder is not somebody
// else's, and another port would not help.
func TestServedAlready(t *testing.T) {
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" || r.Header.Get("Authorization") != "" {
			http.NotFound(w, r)
			return
		}
		if _, err := io.WriteString(w, `{"ok":true,"version":"dev"}`); err != nil {
			t.Error(err)
		}
	}))
	data := t.TempDir()
	address := strings.TrimPrefix(node.URL, "http://")
	if err := servedAlready(t.Context(), data, address); err != nil {
		t.Errorf("a folder that nobody serves: %v", err)
	}
	connection := `{"url":"` + node.URL + `","token":"x"}`
	if err := os.WriteFile(filepath.Join(data, app.ConnectionFile), []byte(connection), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := servedAlready(t.Context(), data, address); !sashlock.IsKind(err, sashlock.Unavailable) || !strings.Contains(err.Error(), "stop that one first") {
		t.Errorf("a folder that is served: %v", err)
	}
	if err := servedAlready(t.Context(), data, "127.0.0.1:1"); err != nil {
		t.Errorf("another address: %v", err)
	}
	node.Close()
	if err := servedAlready(t.Context(), data, address); err != nil {
		t.Errorf("a folder whose store node has ended: %v", err)
	}
}
