// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"

	"github.com/sashlock/sashlock/internal/ledger"
)

// TestTilesReadByTessera lets an independent implementation fetch checkpoint,
// tiles and entry bundles over HTTP, and build and check proofs from them.
func TestTilesReadByTessera(t *testing.T) {
	signer, key := newKey(t)
	for _, size := range []int64{1, 2, 255, 256, 257, 1000, 70_000} {
		src := newSource(t, signer, size)
		server := httptest.NewServer(http.StripPrefix("/v1/ledger", ledger.TileHandler(src)))
		base, err := url.Parse(server.URL + "/v1/ledger/")
		if err != nil {
			t.Fatal(err)
		}
		fetch, err := client.NewHTTPFetcher(base, server.Client())
		if err != nil {
			t.Fatal(err)
		}
		cp, _, _, err := client.FetchCheckpoint(t.Context(), fetch.ReadCheckpoint, key, origin)
		if err != nil {
			t.Fatalf("size %d: %v", size, err)
		}
		if cp.Size != uint64(size) {
			t.Fatalf("size %d: the checkpoint says %d", size, cp.Size)
		}
		checkByTessera(t, fetch, cp.Size, cp.Hash, src)
		server.Close()
	}
}

func checkByTessera(t *testing.T, fetch *client.HTTPFetcher, size uint64, root []byte, src *source) {
	t.Helper()
	ctx := t.Context()
	builder, err := client.NewProofBuilder(ctx, size, fetch.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(0); seq < size; seq += 1 + size/17 {
		raw, err := client.GetEntryBundle(ctx, fetch.ReadEntryBundle, seq/256, size)
		if err != nil {
			t.Fatalf("size %d, entry %d: %v", size, seq, err)
		}
		entry := raw.Entries[seq%256]
		if want := commitment(int64(seq)); !bytes.Equal(entry, want[:]) {
			t.Fatalf("size %d: entry %d is not its commitment", size, seq)
		}
		p, err := builder.InclusionProof(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(entry)
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, seq, size, leaf, p, root); err != nil {
			t.Errorf("size %d, entry %d: %v", size, seq, err)
		}
	}
	for older := uint64(1); older <= size; older += 1 + size/11 {
		p, err := builder.ConsistencyProof(ctx, older, size)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ledger.RestoreAppender(int64(older), src.hashes)
		if err != nil {
			t.Fatal(err)
		}
		oldRoot := a.Root()
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, older, size, p, oldRoot[:], root); err != nil {
			t.Errorf("%d to %d: %v", older, size, err)
		}
	}
}

func get(t testing.TB, h http.Handler, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func TestTileHandlerAnswers(t *testing.T) {
	signer, _ := newKey(t)
	h := ledger.TileHandler(newSource(t, signer, 600))
	full, partial := "public, max-age=31536000, immutable", "public, max-age=3600, immutable"
	for _, c := range []struct {
		path  string
		code  int
		bytes int64
		cache string
	}{
		{"/checkpoint", 200, -1, "no-cache"},
		{"/tile/0/000", 200, 256 * 32, full},
		{"/tile/0/001", 200, 256 * 32, full},
		{"/tile/0/002", 404, -1, ""},
		{"/tile/0/002.p/88", 200, 88 * 32, partial},
		{"/tile/0/002.p/87", 200, 87 * 32, partial},
		{"/tile/0/002.p/89", 404, -1, ""},
		{"/tile/0/000.p/3", 200, 3 * 32, partial},
		{"/tile/1/000.p/2", 200, 2 * 32, partial},
		{"/tile/1/000.p/3", 404, -1, ""},
		{"/tile/1/000", 404, -1, ""},
		{"/tile/2/000.p/1", 404, -1, ""},
		{"/tile/63/000", 404, -1, ""},
		{"/tile/7/000.p/1", 404, -1, ""},
		{"/tile/8/000.p/1", 404, -1, ""},
		{"/tile/entries/000", 200, 256 * 34, full},
		{"/tile/entries/002.p/88", 200, 88 * 34, partial},
		{"/tile/entries/002", 404, -1, ""},
		{"/tile/0/x001/x234/067", 404, -1, ""},
		{"/tile/0/x999/x999/x999/x999/x999/x999/x999/999", 404, -1, ""},
		{"/tile/0/x009/x223/x372/x036/x854/x775/807", 404, -1, ""},
		{"/tile/64/000", 400, -1, ""},
		{"/tile/-1/000", 400, -1, ""},
		{"/tile/+0/000", 400, -1, ""},
		{"/tile/00/000", 400, -1, ""},
		{"/tile/0/0", 400, -1, ""},
		{"/tile/0/0000", 400, -1, ""},
		{"/tile/0/x000/001", 400, -1, ""},
		{"/tile/0/x001", 400, -1, ""},
		{"/tile/0/001/002", 400, -1, ""},
		{"/tile/0/x-01/002", 400, -1, ""},
		{"/tile/0/000.p/0", 400, -1, ""},
		{"/tile/0/000.p/256", 400, -1, ""},
		{"/tile/0/000.p/01", 400, -1, ""},
		{"/tile/0/000.p/", 400, -1, ""},
		{"/tile/0/000.p", 400, -1, ""},
		{"/tile/0/000.p/1.p/1", 400, -1, ""},
		{"/tile/0/000/", 400, -1, ""},
		{"/tile/0/%30%30%30", 400, -1, ""}, // one spelling only
		{"/tile/0%2F000", 400, -1, ""},
		{"/tile/", 400, -1, ""},
		{"/tile/entries", 400, -1, ""},
		{"/tile/data/000", 400, -1, ""},
		{"/tile", 404, -1, ""},
		{"/", 404, -1, ""},
		{"/checkpoint/", 404, -1, ""},
	} {
		r := get(t, h, "GET", c.path)
		if r.StatusCode != c.code {
			t.Errorf("%s: %s, want %d", c.path, r.Status, c.code)
			continue
		}
		if c.bytes >= 0 && r.ContentLength != c.bytes {
			t.Errorf("%s: %d bytes, want %d", c.path, r.ContentLength, c.bytes)
		}
		if c.cache != "" && r.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s: Cache-Control %q, want %q", c.path, r.Header.Get("Cache-Control"), c.cache)
		}
	}
}

func TestTileHandlerTypesAndMethods(t *testing.T) {
	signer, _ := newKey(t)
	src := newSource(t, signer, 600)
	h := ledger.TileHandler(src)
	if got := get(t, h, "GET", "/checkpoint").Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("checkpoint: Content-Type %q", got)
	}
	if got := get(t, h, "HEAD", "/tile/0/000").Header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("tile: Content-Type %q", got)
	}
	if r := get(t, h, "POST", "/checkpoint"); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s, Allow %q", r.Status, r.Header.Get("Allow"))
	}
	src.broken = true
	for _, path := range []string{"/checkpoint", "/tile/0/000", "/tile/entries/000"} {
		if r := get(t, h, "GET", path); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s with a broken source: %s", path, r.Status)
		}
	}
	empty := ledger.TileHandler(&source{})
	for _, path := range []string{"/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1"} {
		if r := get(t, empty, "GET", path); r.StatusCode != 404 {
			t.Errorf("%s of an empty ledger: %s", path, r.Status)
		}
	}
}

// FuzzTileHandler looks for a path that makes a healthy ledger answer with a
// server error, or with a tile of the wrong form.
func FuzzTileHandler(f *testing.F) {
	for _, s := range []string{"0/000", "0/000.p/1", "entries/000.p/44", "1/x001/000", "63/999", "0/x009/x223/x372/x036/x854/x775/807.p/255", ".p/", "0/.p/1/000"} {
		f.Add(s)
	}
	signer, _ := newKey(f)
	h := ledger.TileHandler(newSource(f, signer, 300))
	f.Fuzz(func(t *testing.T, path string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, &http.Request{Method: "GET", URL: &url.URL{Path: "/tile/" + path}})
		switch w.Code {
		case http.StatusBadRequest, http.StatusNotFound:
		case http.StatusOK:
			checkTileForm(t, path, w.Body.Bytes())
		default:
			t.Errorf("%q: status %d", path, w.Code)
		}
	})
}

func checkTileForm(t *testing.T, path string, body []byte) {
	t.Helper()
	if strings.HasPrefix(path, "entries/") {
		var b api.EntryBundle
		if err := b.UnmarshalText(body); err != nil || len(b.Entries) == 0 || len(b.Entries) > 256 {
			t.Errorf("%q: an entry bundle of %d entries, %v", path, len(b.Entries), err)
		}
	} else if len(body) == 0 || len(body)%sha256.Size != 0 {
		t.Errorf("%q: a tile of %d bytes", path, len(body))
	}
}
