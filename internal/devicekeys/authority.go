// SPDX-License-Identifier: Apache-2.0

package devicekeys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// The files of an authority.
const (
	certificateFile = "device-ca.crt"
	keyFile         = "device-ca.key"
)

// Authority signs for the devices of one folder. It is safe for concurrent use,
// also by several processes.
type Authority struct {
	folder string
	now    func() time.Time
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey

	mu   sync.Mutex
	leaf *tls.Certificate // guarded by mu: what the endpoint shows
	due  time.Time        // guarded by mu: when it is to be renewed
}

// Open reads the authority of a folder, or makes one. The clock is time.Now if
// nil.
func Open(folder string, now func() time.Time) (*Authority, error) {
	if now == nil {
		now = time.Now
	}
	a := &Authority{folder: folder, now: now}
	for _, sub := range []string{codeFolder, deviceFolder, endFolder} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o700); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, certificateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return a, a.found()
	}
	if err != nil {
		return nil, err
	}
	return a, a.read(text)
}

// found makes a new authority and writes it down, its key first.
func (a *Authority) found() (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	plan := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "Sashlock devices"},
		NotBefore: a.now().Add(-slack), NotAfter: a.now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, a.key.Public(), a.key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(a.folder, keyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})); err != nil {
		return err
	}
	return write(filepath.Join(a.folder, certificateFile), a.PEM())
}

func (a *Authority) read(text []byte) error {
	damaged := func(file string, err error) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading device certificates", Subject: file, Err: err,
			Hint: "restore this file from a backup; without it every device has to enrol again"}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return damaged(certificateFile, errors.New("it is no PEM file"))
	}
	var err error
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return damaged(certificateFile, err)
	}
	if text, err = os.ReadFile(filepath.Join(a.folder, keyFile)); err != nil {
		return damaged(keyFile, err)
	}
	if block, _ = pem.Decode(text); block == nil {
		return damaged(keyFile, errors.New("it is no PEM file"))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return damaged(keyFile, err)
	}
	var is bool
	if a.key, is = key.(*ecdsa.PrivateKey); !is || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return damaged(keyFile, errors.New("it does not belong to "+certificateFile))
	}
	return nil
}

// PEM is the authority's certificate, which devices trust.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// Fingerprint is the beginning of the certificate's SHA-256, as codes carry it.
func (a *Authority) Fingerprint() [16]byte { return FingerprintOf(a.cert) }

// FingerprintOf is the same for any certificate.
func FingerprintOf(c *x509.Certificate) [16]byte {
	sum := sha256.Sum256(c.Raw)
	return [16]byte(sum[:16])
}

// Config is how an endpoint speaks TLS under host names and addresses: with
// certificates on both sides. Only while a code is good may a client come
// without one, to enrol.
func (a *Authority) Config(names []string) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	base := &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, Time: a.now,
		SessionTicketsDisabled: true, // every connection is checked as a new one
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.server(names) },
	}
	open := base.Clone()
	open.ClientAuth = tls.VerifyClientCertIfGiven
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if a.invited() {
			return open, nil
		}
		return nil, nil //nolint:nilnil // the package's way to say: the configuration as it is
	}
	return base
}

// server returns what the endpoint shows, made anew when two thirds of its life
// are over.
func (a *Authority) server(names []string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if a.leaf != nil && now.Before(a.due) && now.After(a.leaf.Leaf.NotBefore) {
		return a.leaf, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	plan := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "Sashlock"}, NotBefore: now.Add(-slack), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, n := range append([]string{"localhost", "127.0.0.1", "::1"}, names...) {
		if ip := net.ParseIP(n); ip != nil {
			plan.IPAddresses = append(plan.IPAddresses, ip)
		} else {
			plan.DNSNames = append(plan.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a.leaf = &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	a.due = now.Add(2 * serverLife / 3)
	return a.leaf, nil
}

// newSerial makes a serial number; crypto/rand ends the process rather than
// give bad numbers.
func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck,gosec // never returns an error
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}

// write writes a file that only its owner may read, whole or not at all.
func write(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// Trust is how a device checks the endpoint: its chain must end in the
// authority of a fingerprint. The certificate, if there is one, is shown.
func Trust(authority [16]byte, certificate *tls.Certificate) *tls.Config {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // replaced by the check below, which knows the authority itself
		VerifyConnection: func(s tls.ConnectionState) error {
			chain := s.PeerCertificates
			root := chain[len(chain)-1]
			if FingerprintOf(root) != authority {
				return errors.New("this is not the house that the code is from")
			}
			roots := x509.NewCertPool()
			roots.AddCert(root)
			_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			return err
		},
	}
	if certificate != nil {
		c.Certificates = []tls.Certificate{*certificate}
	}
	return c
}
