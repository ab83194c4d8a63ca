// SPDX-License-Identifier: Apache-2.0

package tlskeys

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/sashlock/sashlock"
)

// ACMEOptions say which authority to ask, and for what.
type ACMEOptions struct {
	Directory string   // its address; empty: Let's Encrypt
	Root      string   // file with the certificate that the directory itself shows, where no browser knows it; may be empty
	Email     string   // where it writes to when something is wrong; may be empty
	Names     []string // the host names
	Folder    string   // where keys and certificates are kept, readable by their owner only
}

// ACME gets certificates from an authority that speaks ACME. It proves by
// TLS-ALPN-01 (RFC 8737) on the port that browsers use, which has to be
// reachable from the authority as 443, or by HTTP-01 where [ACMEKeeper.Prove]
// answers on port 80.
func ACME(o ACMEOptions) (*ACMEKeeper, error) {
	client := &acme.Client{DirectoryURL: o.Directory}
	if o.Root != "" {
		text, err := os.ReadFile(o.Root)
		pool := x509.NewCertPool()
		if err == nil && !pool.AppendCertsFromPEM(text) {
			err = errors.New("it has no certificate")
		}
		if err != nil {
			return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading certificate of the ACME directory", Subject: o.Root, Hint: "name a PEM file with the certificate of the authority's own address", Err: err}
		}
		client.HTTPClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool},
		}}
	}
	if o.Directory == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	return &ACMEKeeper{&autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(o.Folder), HostPolicy: autocert.HostWhitelist(o.Names...), Client: client, Email: o.Email,
	}}, nil
}

// ACMEKeeper keeps a certificate from an ACME authority, and renews it.
type ACMEKeeper struct{ manager *autocert.Manager }

// Config is how a store node speaks TLS with such a certificate.
func (k *ACMEKeeper) Config() *tls.Config { return Config(k.manager.GetCertificate, acme.ALPNProto) }

// Prove answers HTTP-01 on port 80 and leaves everything else to another
// handler.
func (k *ACMEKeeper) Prove(other http.Handler) http.Handler { return k.manager.HTTPHandler(other) }
