// SPDX-License-Identifier: Apache-2.0

// Package tlskeys gives a store node the certificates it answers a network
// with: from a certificate authority of its own, or from one that speaks ACME
// (RFC 8555).
//
// # What
//
// [Open] reads the authority of a folder, and makes one where there is none.
// Phones and tills have to trust its certificate once. What it signs is valid
// for a month and renewed by itself, in memory. [ACME] asks an authority that
// browsers trust already.
//
// # How it fits
//
// Package app chooses by configuration and listens with [Config].
//
// # Promises
//
// A key is made on the spot, is readable by its owner only and is never sent
// anywhere. An authority that phones trust can sign for the names of this
// store and for nothing else: its certificate says so. Nothing older than
// TLS 1.3 is spoken, with the hybrid key exchange X25519MLKEM768 where the
// other side knows it. The certificates themselves are classical: they prove
// who answers today and protect nothing that could be recorded for later.
package tlskeys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sashlock/sashlock"
)

// How long certificates live.
const (
	AuthorityLife = 10 * 365 * 24 * time.Hour
	LeafLife      = 30 * 24 * time.Hour
	renewAfter    = 2 * LeafLife / 3
	slack         = 24 * time.Hour // clocks of phones that are behind
)

// The files of an authority.
const (
	CertificateFile = "tls-ca.crt"
	keyFile         = "tls-ca.key"
)

// Authority is a certificate authority for one store.
type Authority struct {
	names []string // what its leaf is for: host names and addresses
	now   func() time.Time
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey

	mu   sync.Mutex
	leaf *tls.Certificate // guarded by mu
	due  time.Time        // when the leaf is to be renewed; guarded by mu
}

// Open reads the authority of a folder, or makes one for the given host names
// and addresses. An authority that was made for other names cannot sign for
// new ones: the error, of kind conflict, says what to do.
func Open(folder string, names []string, now func() time.Time) (*Authority, error) {
	a := &Authority{names: always(names), now: now}
	text, err := os.ReadFile(filepath.Join(folder, CertificateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = a.found(folder)
	case err == nil:
		err = a.read(folder, text)
	}
	if err != nil {
		return nil, err
	}
	_, err = a.Certificate(nil)
	return a, err
}

// always adds the names of this machine itself to others.
func always(names []string) []string {
	all := append([]string{"localhost", "127.0.0.1", "::1"}, names...)
	slices.Sort(all)
	return slices.Compact(all)
}

// split sorts names into host names and addresses.
func split(names []string) (hosts []string, addresses []net.IP) {
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			addresses = append(addresses, ip)
		} else {
			hosts = append(hosts, n)
		}
	}
	return hosts, addresses
}

// found makes a new authority and writes it down, its key first: a certificate
// without a key would be taken for an authority.
func (a *Authority) found(folder string) error {
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	serial, err := newSerial()
	if err != nil {
		return err
	}
	hosts, addresses := split(a.names)
	plan := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Sashlock store " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore: a.now().Add(-slack), NotAfter: a.now().Add(AuthorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: hosts,
	}
	for _, ip := range addresses {
		if four := ip.To4(); four != nil {
			ip = four
		}
		plan.PermittedIPRanges = append(plan.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
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
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := write(filepath.Join(folder, keyFile), "PRIVATE KEY", key); err != nil {
		return err
	}
	return write(filepath.Join(folder, CertificateFile), "CERTIFICATE", der)
}

func newSerial() (*big.Int, error) {
	var b [16]byte
	_, err := rand.Read(b[:])
	b[0] = b[0]&0x7f | 0x40 // positive, and always of the same length
	return new(big.Int).SetBytes(b[:]), err
}

// write writes a file that only its owner may read, durably and whole or not
// at all. A key that was left without a certificate is replaced.
func write(path, kind string, der []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// read reads an authority that was made earlier.
func (a *Authority) read(folder string, text []byte) error {
	damaged := func(file string, err error) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading certificates", Subject: file, Err: err,
			Hint: "restore this file from a backup, or move " + CertificateFile + " and " + keyFile + " away: then a new authority is made, which every phone has to trust anew"}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return damaged(CertificateFile, errors.New("it is no PEM file"))
	}
	var err error
	if a.cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return damaged(CertificateFile, err)
	}
	if text, err = os.ReadFile(filepath.Join(folder, keyFile)); err != nil {
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
		return damaged(keyFile, errors.New("it does not belong to "+CertificateFile))
	}
	if strange := a.strangers(); len(strange) > 0 {
		return &sashlock.Error{Kind: sashlock.Conflict, Op: "reading certificates", Subject: strings.Join(strange, ", "),
			Hint: "this store's authority was made for other names and cannot sign for this one: move " + CertificateFile + " and " + keyFile + " out of " + folder + ", and have every phone trust the new one"}
	}
	return nil
}

// strangers lists the names that the authority may not sign for.
func (a *Authority) strangers() (names []string) {
	hosts, addresses := split(a.names)
	for _, h := range hosts {
		if !slices.Contains(a.cert.PermittedDNSDomains, h) {
			names = append(names, h)
		}
	}
	for _, ip := range addresses {
		if !slices.ContainsFunc(a.cert.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip) }) {
			names = append(names, ip.String())
		}
	}
	return names
}

// PEM is the certificate to be trusted, as browsers and phones take it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// DER is the same certificate in the form that Android and Windows open by
// themselves.
func (a *Authority) DER() []byte { return bytes.Clone(a.cert.Raw) }

// Fingerprint is the SHA-256 of the certificate, as systems show it: pairs of
// hexadecimal digits.
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.cert.Raw)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

// Certificate is what the store node shows to whoever connects. It is renewed
// when two thirds of its life are over. The argument is not looked at.
func (a *Authority) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.leaf != nil && a.now().Before(a.due) && !a.now().Before(a.leaf.Leaf.NotBefore) {
		return a.leaf, nil
	}
	leaf, err := a.sign()
	if err != nil {
		if a.leaf != nil && a.now().Before(a.leaf.Leaf.NotAfter) {
			return a.leaf, nil
		}
		return nil, err
	}
	a.leaf, a.due = leaf, a.now().Add(renewAfter)
	return leaf, nil
}

func (a *Authority) sign() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	hosts, addresses := split(a.names)
	plan := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Sashlock"}, NotBefore: a.now().Add(-slack), NotAfter: a.now().Add(LeafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, DNSNames: hosts, IPAddresses: addresses,
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}, err
}

// Config is how a store node speaks TLS.
func Config(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certificate, NextProtos: append([]string{"h2", "http/1.1"}, protocols...)}
}
