// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/app"
)

// TestPagesSayTheConfiguredAddress asks for a page behind a proxy, where the
// request itself does not tell how browsers reach us.
func TestPagesSayTheConfiguredAddress(t *testing.T) {
	data := t.TempDir()
	if _, err := app.Init(data); err != nil {
		t.Fatal(err)
	}
	house, err := app.New(t.Context(), app.Config{Data: data, JournalSize: 1 << 20, Origin: "https://store.example"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := house.OpenDemoConsole(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(house.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := house.Stop(); err != nil {
			t.Error(err)
		}
	})
	answer, err := http.Get(server.URL + "/developers")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(page), "https://store.example/v1/openings") || strings.Contains(string(page), server.URL) {
		t.Errorf("%d, %v: the page does not say the configured address", answer.StatusCode, err)
	}
}
