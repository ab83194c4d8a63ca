// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// C2SP tlog-tiles fixes the tile height at 8: 256 hashes or entries a tile.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Tiles and entry bundles of a given width never change. Partial ones are soon
// superseded, so caches need not keep them for long.
const (
	cacheFull    = "public, max-age=31536000, immutable"
	cachePartial = "public, max-age=3600, immutable"
	cacheNone    = "no-cache"
)

// TileSource is what [TileHandler] reads from. The store implements it. All it
// returns belongs to the handler.
type TileSource interface {
	// Checkpoint returns the newest signed checkpoint and its size. Before the
	// first seal it returns "" and 0.
	Checkpoint(ctx context.Context) (signed string, size int64, err error)
	// ReadHashes returns the stored hashes with the given indexes, in order
	// (see tlog.StoredHashIndex). They are below the checkpoint's size.
	ReadHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Commitments returns n commitments from sequence number from on. They are
	// below the checkpoint's size.
	Commitments(ctx context.Context, from int64, n int) ([]proof.Commitment, error)
}

// TileHandler serves a ledger to the public as C2SP tlog-tiles:
//
//	GET /checkpoint                      the newest signed checkpoint
//	GET /tile/<level>/<N>[.p/<W>]        256 (or W) hashes of the tree
//	GET /tile/entries/<N>[.p/<W>]        256 (or W) commitments
//
// where N is written as in x001/x234/067. It answers 404 for what is not in the
// ledger (yet), 400 for a malformed path, 405 for other methods, and 503 if the
// source fails. Mount it under a prefix with http.StripPrefix. Nothing it serves
// is personal (see the package documentation), so it asks for no permission.
func TileHandler(source TileSource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
			return
		}
		switch {
		case r.URL.RawPath != "":
			// A path that needs escapes is never one of ours.
			http.Error(w, "malformed path", http.StatusBadRequest)
		case r.URL.Path == "/checkpoint":
			serveCheckpoint(w, r, source)
		case strings.HasPrefix(r.URL.Path, "/tile/"):
			serveTile(w, r, source)
		default:
			http.NotFound(w, r)
		}
	})
}

func serveCheckpoint(w http.ResponseWriter, r *http.Request, source TileSource) {
	signed, _, err := source.Checkpoint(r.Context())
	switch {
	case err != nil:
		unavailable(w)
	case signed == "":
		http.Error(w, "nothing is sealed yet", http.StatusNotFound)
	default:
		send(w, "text/plain; charset=utf-8", cacheNone, []byte(signed))
	}
}

func serveTile(w http.ResponseWriter, r *http.Request, source TileSource) {
	t, ok := parseTilePath(strings.TrimPrefix(r.URL.Path, "/tile/"))
	if !ok {
		http.Error(w, "malformed tile path", http.StatusBadRequest)
		return
	}
	_, size, err := source.Checkpoint(r.Context())
	if err != nil {
		unavailable(w)
		return
	}
	if !t.within(size) {
		http.Error(w, "not in the ledger, or not yet", http.StatusNotFound)
		return
	}
	read := t.readHashes
	if t.entries {
		read = t.readEntries
	}
	data, err := read(r.Context(), source)
	if err != nil {
		unavailable(w)
		return
	}
	cache := cacheFull
	if t.width < tileWidth {
		cache = cachePartial
	}
	send(w, "application/octet-stream", cache, data)
}

// send writes a whole answer. net/http leaves the body out for HEAD.
func send(w http.ResponseWriter, contentType, cache string, data []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(data) // the client is gone; there is nobody to tell
}

// unavailable answers when the source failed. The cause stays with the store.
func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "the ledger cannot be read at the moment", http.StatusServiceUnavailable)
}

// tile is one tile or entry bundle as a path names it.
type tile struct {
	entries bool  // an entry bundle; level is 0
	level   int   // 0 to 63
	number  int64 // place within the level
	width   int   // 1 to 256
}

// parseTilePath reads "<level>/<N>[.p/<W>]" or "entries/<N>[.p/<W>]". Every
// tile has one spelling; all others are refused.
func parseTilePath(path string) (tile, bool) {
	first, rest, ok := strings.Cut(path, "/")
	if !ok {
		return tile{}, false
	}
	t := tile{width: tileWidth, entries: first == "entries"}
	if !t.entries {
		if t.level, ok = plainNumber(first, 63); !ok {
			return tile{}, false
		}
	}
	if n, w, partial := strings.Cut(rest, ".p/"); partial {
		if t.width, ok = plainNumber(w, tileWidth-1); !ok || t.width == 0 {
			return tile{}, false
		}
		rest = n
	}
	t.number, ok = parseTileNumber(rest)
	return t, ok
}

// parseTileNumber reads N of a tile path: groups of three digits, all but the
// last marked with "x", with no needless leading group. Numbers beyond 63 bits
// are well formed too; they become the largest one, which no ledger reaches.
func parseTileNumber(s string) (int64, bool) {
	groups := strings.Split(s, "/")
	if len(groups) > 1 && groups[0] == "x000" {
		return 0, false
	}
	n := int64(0)
	for i, g := range groups {
		if i < len(groups)-1 {
			var marked bool
			if g, marked = strings.CutPrefix(g, "x"); !marked {
				return 0, false
			}
		}
		if len(g) != 3 {
			return 0, false
		}
		v := int64(0)
		for _, digit := range []byte(g) {
			if digit < '0' || digit > '9' {
				return 0, false
			}
			v = v*10 + int64(digit-'0')
		}
		if n > (math.MaxInt64-v)/1000 {
			n = math.MaxInt64
			continue
		}
		n = n*1000 + v
	}
	return n, true
}

// plainNumber reads a decimal from 0 to limit without sign or leading zeros.
func plainNumber(s string, limit int) (int, bool) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > limit || strconv.Itoa(n) != s {
		return 0, false
	}
	return n, true
}

// within reports whether a ledger of the given size has the tile in this width.
func (t tile) within(size int64) bool {
	if t.level*tileHeight >= 63 {
		return false
	}
	hashes := size >> (t.level * tileHeight) // complete hashes at this level
	return t.number <= hashes>>tileHeight && t.number<<tileHeight+int64(t.width) <= hashes
}

// readHashes returns the tile's hashes, one after the other.
func (t tile) readHashes(ctx context.Context, source TileSource) ([]byte, error) {
	indexes := make([]int64, t.width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(t.level*tileHeight, t.number<<tileHeight+int64(i))
	}
	hashes, err := source.ReadHashes(ctx, indexes)
	if err == nil && len(hashes) != t.width {
		err = fmt.Errorf("got %d hashes for %d", len(hashes), t.width)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a tile: %w", err)
	}
	data := make([]byte, 0, t.width*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return data, nil
}

// readEntries returns the bundle's entries, each as a 16-bit length and the
// commitment.
func (t tile) readEntries(ctx context.Context, source TileSource) ([]byte, error) {
	list, err := source.Commitments(ctx, t.number<<tileHeight, t.width)
	if err == nil && len(list) != t.width {
		err = fmt.Errorf("got %d commitments for %d", len(list), t.width)
	}
	if err != nil {
		return nil, fmt.Errorf("reading an entry bundle: %w", err)
	}
	data := make([]byte, 0, t.width*(2+len(proof.Commitment{})))
	for _, c := range list {
		data = binary.BigEndian.AppendUint16(data, uint16(len(c)))
		data = append(data, c[:]...)
	}
	return data, nil
}
