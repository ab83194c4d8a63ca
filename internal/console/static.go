// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed static
var static embed.FS

// fingerprint changes with the content of any static file, so that browsers
// may keep what they have for ever.
var fingerprint = sync.OnceValue(func() string {
	sum := sha256.New()
	err := fs.WalkDir(static, "static", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := static.ReadFile(path)
		sum.Write([]byte(path))
		sum.Write(text)
		return err
	})
	if err != nil {
		panic("console: " + err.Error()) // it was embedded, or this does not compile
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
})

// Asset is the address of a static file.
func Asset(name string) string { return "/static/" + name + "?v=" + fingerprint() }

// packed is a static file as it is sent to those who take gzip: made once.
var packed sync.Map // name -> []byte

func pack(name string, text []byte) []byte {
	if made, done := packed.Load(name); done {
		return made.([]byte)
	}
	out := squeeze(text, gzip.BestCompression)
	packed.Store(name, out)
	return out
}

// takesGzip reports whether the browser takes compressed answers; all do.
func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// squeeze compresses a text in memory, which does not fail.
func squeeze(text []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		panic("console: " + err.Error()) // there is no such level
	}
	_, _ = w.Write(text)
	_ = w.Close()
	return out.Bytes()
}

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
	w.Header().Set("Vary", "Accept-Encoding")
	if takesGzip(r) && r.Header.Get("Range") == "" {
		w.Header().Set("Content-Encoding", "gzip")
		text = pack(name, text)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}

// Current marks the place where one is, for aria-current.
func Current(is bool) string {
	if is {
		return "page"
	}
	return "false"
}

func (l layout) among(ways []way) bool {
	return slices.ContainsFunc(ways, func(w way) bool { return w.Section == l.Section })
}

// home is where the name of the product leads.
func (l layout) home() string {
	if len(l.First) == 0 && len(l.More) > 0 {
		return l.More[0].Path
	}
	return "/"
}
