// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"net/http"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// Authority is the certificate authority of a store, as those see it who are
// asked to trust it.
type Authority struct {
	PEM         []byte
	DER         []byte
	Fingerprint string // SHA-256, as systems show it
}

// MountTrust adds the page that helps a phone or a till to trust the store's
// own certificate authority. It is for everybody: who does not trust it yet
// cannot be signed in.
func MountTrust(f *console.Frame, a Authority) {
	f.Public("GET /trust", func(w http.ResponseWriter, r *http.Request) error {
		return f.Show(w, r, console.Head{Title: lang.T(r.Context(), "Trust this store"), Bare: true, Styles: []string{"enter.css"}}, trustPage(a))
	})
	send := func(name, kind string, text []byte) console.Page {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
			_, err := w.Write(text)
			return err
		}
	}
	// Apple and Android take both by this type, Windows by the ending.
	f.Public("GET /trust/sashlock.crt", send("sashlock.crt", "application/x-x509-ca-cert", a.DER))
	f.Public("GET /trust/sashlock.pem", send("sashlock.pem", "application/x-pem-file", a.PEM))
}
