// SPDX-License-Identifier: Apache-2.0

package phone

import (
	_ "embed" // for the worker
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

//go:embed worker.js
var workerText []byte

// icon is one picture of the installed app.
type icon struct {
	Source  string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose,omitempty"`
}

// appManifest is what a browser needs to install the app (W3C Web Application
// Manifest).
type appManifest struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Short      string `json:"short_name"`
	About      string `json:"description"`
	Language   string `json:"lang"`
	Start      string `json:"start_url"`
	Scope      string `json:"scope"`
	Display    string `json:"display"`
	Background string `json:"background_color"`
	Theme      string `json:"theme_color"`
	Icons      []icon `json:"icons"`
}

func manifest(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	text, err := json.Marshal(appManifest{
		ID: "/serve", Name: "Sashlock", Short: "Sashlock", About: lang.T(ctx, "Customers who wait, and the cases you open for them"), Language: lang.Of(ctx).Tag(),
		Start: "/serve", Scope: "/", Display: "standalone", Background: "#f5f5f2", Theme: "#2b6e5f",
		Icons: []icon{
			{console.Asset("icon.svg"), "any", "image/svg+xml", ""},
			{console.Asset("icon-192.png"), "192x192", "image/png", ""},
			{console.Asset("icon-512.png"), "512x512", "image/png", ""},
			{console.Asset("icon-maskable.png"), "512x512", "image/png", "maskable"},
		},
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	_, err = w.Write(text)
	return err
}

// shell is what the installed app keeps: static files and the page for when
// there is no connection. No page with data is ever among them.
func shell() []string {
	var all []string
	for _, name := range []string{"console.css", "phone.css", "console.js", "live.js", "phone.js", "icon.svg", "icon-192.png"} {
		all = append(all, console.Asset(name))
	}
	for _, l := range lang.All() {
		all = append(all, offlinePath(l))
	}
	return all
}

func offlinePath(l lang.Language) string { return "/offline?language=" + string(l) }

// worker serves the worker of the installed app. It changes whenever a static
// file does, so that browsers fetch the new ones.
func worker(w http.ResponseWriter, _ *http.Request) error {
	list, err := json.Marshal(shell())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Service-Worker-Allowed", "/")
	w.Header().Set("Cache-Control", "no-cache")
	_, err = fmt.Fprintf(w, "const shell = %s;\n%s", list, workerText)
	return err
}

// offline is the page for when there is no connection, in a language of the
// address. It shows nothing of whoever is signed in.
func (p pages) offline(w http.ResponseWriter, r *http.Request) error {
	if l := lang.Language(r.URL.Query().Get("language")); slices.Contains(lang.All(), l) {
		r = r.WithContext(lang.With(r.Context(), l))
	}
	head := console.Head{Title: lang.T(r.Context(), "No connection"), Bare: true, Styles: []string{"phone.css"}}
	return p.Show(w, r, head, offlinePage())
}
