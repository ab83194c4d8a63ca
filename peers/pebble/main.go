// SPDX-License-Identifier: Apache-2.0

// Command pebble is a certificate authority that speaks ACME, for tests on one
// machine: Pebble, which is Let's Encrypt's own small server, with a directory
// of names beside it in which every name below example. is this machine.
//
// # What
//
// It listens on 127.0.0.1 only, says in one line on standard output when it is
// ready and where, writes two certificates into a private folder under TMPDIR,
// and leaves nothing behind after SIGTERM. What Pebble itself says goes to
// standard error. The environment says the rest:
//
//	ACME_PORT       the directory; 0 or nothing picks a free port
//	ACME_TLS_PORT   where names are visited to prove by TLS-ALPN-01
//	ACME_HTTP_PORT  where names are visited to prove by HTTP-01
//	ACME_LIFE       how long certificates are valid, "2160h" when it is missing
//
// # How it fits
//
// The tests of internal/tlskeys start it. Nothing of it is part of the product.
//
// # Promises
//
// A name is proved by visiting it, each time anew, as Let's Encrypt would:
// nothing is waved through. One good nonce in twenty is refused, as Pebble does by itself.
package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

func main() {
	log.SetPrefix("pebble: ")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

// settings are what the environment says.
type settings struct {
	port, tlsPort, httpPort int
	life                    time.Duration
}

func read() (s settings, err error) {
	for name, to := range map[string]*int{"ACME_PORT": &s.port, "ACME_TLS_PORT": &s.tlsPort, "ACME_HTTP_PORT": &s.httpPort} {
		if *to, err = strconv.Atoi(cmp.Or(os.Getenv(name), "0")); err != nil || *to < 0 || *to > 65535 {
			return s, fmt.Errorf("%s=%q is no port", name, os.Getenv(name))
		}
	}
	s.life, err = time.ParseDuration(cmp.Or(os.Getenv("ACME_LIFE"), "2160h"))
	return s, err
}

func run(ctx context.Context) (err error) {
	s, err := read()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "pebble-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	names, err := serveNames(ctx)
	if err != nil {
		return err
	}
	own, err := newCertificate()
	if err != nil {
		return err
	}
	// Pebble waits for some seconds before it visits, and believes half of the
	// names that were proved before, unless it is told otherwise.
	if err := errors.Join(os.Setenv("PEBBLE_VA_NOSLEEP", "1"), os.Setenv("PEBBLE_AUTHZREUSE", "0")); err != nil {
		return err
	}
	logger := log.New(os.Stderr, "pebble: ", 0)
	memory := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "The default", ValidityPeriod: uint64(s.life / time.Second)}}
	authority := ca.New(logger, memory, "", "ecdsa", 0, 1, profiles)
	visitor := va.New(logger, s.httpPort, s.tlsPort, true, names, memory)
	front := wfe.New(logger, memory, visitor, authority, []string{"pebble.example"}, true, false, 1, 1)

	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		return err
	}
	root, issuer := filepath.Join(folder, "directory.pem"), filepath.Join(folder, "issuer.pem")
	err = errors.Join(
		os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}), 0o600),
		os.WriteFile(issuer, authority.GetRootCert(0).PEM(), 0o600),
	)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: front.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: logger, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}}}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("ready directory=https://%s%s root=%s issuer=%s\n", listener.Addr(), wfe.DirectoryPath, root, issuer)
	if err = server.ServeTLS(listener, "", ""); ctx.Err() != nil {
		return nil
	}
	return err
}

// serveNames answers, until the context ends, that every name below example. is
// this machine, and that there are no others. It returns its address.
func serveNames(ctx context.Context) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, asked *dns.Msg) {
		answer := new(dns.Msg).SetReply(asked)
		for _, q := range asked.Question {
			switch {
			case !strings.HasSuffix(strings.ToLower(q.Name), ".example."):
				answer.Rcode = dns.RcodeNameError
			case q.Qtype == dns.TypeA:
				answer.Answer = append(answer.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
			}
		}
		_ = w.WriteMsg(answer)
	})}
	context.AfterFunc(ctx, func() { _ = server.Shutdown() })
	go func() { _ = server.ActivateAndServe() }()
	return listener.Addr().String(), nil
}

// newCertificate is what the directory itself shows: no browser knows it.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	plan := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Directory of a test"}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
