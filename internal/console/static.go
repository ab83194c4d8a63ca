// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

//go:embed static
var static embed.FS

// fingerprint changes with the content of any static file, so that browsers
// may keep what they have for ever.
var fingerprint = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, name := range []string{"console.css", "live.js", "icon.svg"} {
		text, err := static.ReadFile("static/" + name)
		if err != nil {
			panic("console: " + err.Error()) // it was embedded, or this does not compile
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
})

// asset is the address of a static file.
func asset(name string) string { return "/static/" + name + "?v=" + fingerprint() }

func serveStatic(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	name := r.PathValue("name")
	text, err := static.ReadFile("static/" + name)
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	if r.URL.Query().Get("v") == fingerprint() {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}
