// SPDX-License-Identifier: Apache-2.0

package devicekeys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sashlock/sashlock"
)

// The folders below an authority's: a file for each code that is good, named by
// its hash, and one for each device, named by its address.
const (
	codeFolder   = "codes"
	deviceFolder = "devices"
	endFolder    = "ends" // apart from who is enrolled, which renewing must not touch
)

type invitation struct {
	Address string    `json:"address"`
	Expires time.Time `json:"expires"`
}

type enrolled struct {
	Key   string    `json:"key"` // SHA-256 of the public key
	Since time.Time `json:"since"`
}

func refuse(kind sashlock.Kind, op, address, hint string) error {
	return &sashlock.Error{Kind: kind, Op: op, Subject: address, Hint: hint}
}

// Invite makes a code for one device. A device that was enrolled under the
// address stays until the code is used.
func (a *Authority) Invite(site, address string) (Code, time.Time, error) {
	const op = "inviting device"
	if !sashlock.ValidSlug(site) || !sashlock.ValidSlug(address) {
		return Code{}, time.Time{}, refuse(sashlock.Invalid, op, address, "use 1 to 40 of a-z, 0-9 and hyphens")
	}
	secret, err := newSecret()
	if err != nil {
		return Code{}, time.Time{}, err
	}
	expires := a.now().Add(CodeLife).UTC().Truncate(time.Second)
	text, err := json.Marshal(invitation{address, expires})
	if err != nil {
		return Code{}, time.Time{}, err
	}
	err = write(filepath.Join(a.folder, codeFolder, hashed(secret)), text)
	return Code{Site: site, Address: address, Secret: secret, Authority: a.Fingerprint()}, expires, err
}

// invited reports whether a code is good at the moment, and clears away those
// that are over.
func (a *Authority) invited() bool {
	files, err := os.ReadDir(filepath.Join(a.folder, codeFolder))
	if err != nil {
		return false
	}
	good := false
	for _, f := range files {
		path := filepath.Join(a.folder, codeFolder, f.Name())
		var i invitation
		text, err := os.ReadFile(path)
		if err != nil || json.Unmarshal(text, &i) != nil {
			continue
		}
		if a.now().Before(i.Expires) {
			good = true
		} else {
			os.Remove(path) //nolint:errcheck,gosec // it is looked at again next time
		}
	}
	return good
}

// Invited returns the address a secret is good for at the moment.
func (a *Authority) Invited(secret [16]byte) (address string, ok bool) {
	var i invitation
	text, err := os.ReadFile(filepath.Join(a.folder, codeFolder, hashed(secret)))
	if err != nil || json.Unmarshal(text, &i) != nil || !a.now().Before(i.Expires) {
		return "", false
	}
	return i.Address, true
}

// Enrol uses up a secret and signs a certificate, in PEM, for the key of a
// certificate request, in PEM. The error is of kind denied when the secret is
// not good (any more), of kind invalid for the request.
func (a *Authority) Enrol(secret [16]byte, request []byte) (certificate []byte, err error) {
	const op = "enrolling device"
	address, ok := a.Invited(secret)
	if !ok {
		return nil, refuse(sashlock.Denied, op, "", "the code is not good any more: make another")
	}
	csr, err := readRequest(op, address, request)
	if err != nil {
		return nil, err
	}
	// Whoever removes the file has used the code: nobody else can.
	if err := os.Remove(filepath.Join(a.folder, codeFolder, hashed(secret))); err != nil {
		return nil, refuse(sashlock.Denied, op, address, "the code was used already: make another")
	}
	text, err := json.Marshal(enrolled{Key: keyOf(csr.RawSubjectPublicKeyInfo), Since: a.now().UTC()})
	if err != nil {
		return nil, err
	}
	if err := write(filepath.Join(a.folder, deviceFolder, address), text); err != nil {
		return nil, err
	}
	return a.sign(address, csr)
}

// Renew signs a new certificate for a device that shows a good one, for the
// same key.
func (a *Authority) Renew(address string, request []byte) (certificate []byte, err error) {
	const op = "renewing certificate"
	csr, err := readRequest(op, address, request)
	if err != nil {
		return nil, err
	}
	if known, err := a.enrolled(address); err != nil || known.Key != keyOf(csr.RawSubjectPublicKeyInfo) {
		return nil, refuse(sashlock.Denied, op, address, "a certificate is renewed for the same key; enrol the device for another")
	}
	return a.sign(address, csr)
}

func readRequest(op, address string, request []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(request)
	if block == nil {
		return nil, refuse(sashlock.Invalid, op, address, "send a certificate request in PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: op, Subject: address, Hint: "send a certificate request in PEM", Err: err}
	}
	return csr, nil
}

// sign makes a certificate. Nothing of the request but its key is believed.
func (a *Authority) sign(address string, csr *x509.CertificateRequest) ([]byte, error) {
	plan := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: address},
		NotBefore: a.now().Add(-slack), NotAfter: a.now().Add(CertificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, plan, a.cert, csr.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	if err := write(filepath.Join(a.folder, endFolder, address), []byte(plan.NotAfter.UTC().Format(time.RFC3339))); err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// EndsSoon reports whether the newest certificate of a device has less than
// [EndsSoon] left.
func (a *Authority) EndsSoon(address string) bool {
	end, err := endOf(a.folder, address)
	return err == nil && end.Sub(a.now()) < EndsSoon
}

// Ends tells until when the newest certificate of each device is good that is
// enrolled in an authority's folder. It makes nothing there.
func Ends(folder string) (map[string]time.Time, error) {
	addresses, err := addressesIn(folder)
	all := make(map[string]time.Time, len(addresses))
	for _, address := range addresses {
		end, failed := endOf(folder, address)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", address, failed))
			continue
		}
		all[address] = end
	}
	return all, err
}

func endOf(folder, address string) (time.Time, error) {
	known, err := enrolledIn(folder, address)
	if err != nil {
		return time.Time{}, err
	}
	text, err := os.ReadFile(filepath.Join(folder, endFolder, address))
	if errors.Is(err, fs.ErrNotExist) { // enrolled before this was kept
		return known.Since.Add(CertificateLife), nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, string(text))
}

func keyOf(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}

func (a *Authority) enrolled(address string) (enrolled, error) { return enrolledIn(a.folder, address) }

func enrolledIn(folder, address string) (e enrolled, err error) {
	if !sashlock.ValidSlug(address) {
		return e, fs.ErrNotExist
	}
	text, err := os.ReadFile(filepath.Join(folder, deviceFolder, address))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e)
}

// Check returns the address of the device that a certificate is for. The error
// is of kind denied: it is not of this authority, not valid now, not a device's,
// or its key is not the one enrolled last.
func (a *Authority) Check(c *x509.Certificate) (address string, err error) {
	const op = "checking device certificate"
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	_, err = c.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: a.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return "", &sashlock.Error{Kind: sashlock.Denied, Op: op, Hint: "the certificate is not valid here", Err: err}
	}
	known, err := a.enrolled(c.Subject.CommonName)
	if err != nil || known.Key != keyOf(c.RawSubjectPublicKeyInfo) {
		return "", refuse(sashlock.Denied, op, c.Subject.CommonName, "the device is not enrolled with this key")
	}
	return c.Subject.CommonName, nil
}

// Known reports whether a device is enrolled under an address.
func (a *Authority) Known(address string) bool {
	_, err := a.enrolled(address)
	return err == nil
}

// Addresses lists the devices that are enrolled, in order.
func (a *Authority) Addresses() ([]string, error) { return addressesIn(a.folder) }

func addressesIn(folder string) ([]string, error) {
	files, err := os.ReadDir(filepath.Join(folder, deviceFolder))
	var all []string
	for _, f := range files {
		if sashlock.ValidSlug(f.Name()) {
			all = append(all, f.Name())
		}
	}
	return all, err
}

// Remove turns a device out: its certificate counts no more.
func (a *Authority) Remove(address string) error {
	if !sashlock.ValidSlug(address) {
		return refuse(sashlock.NotFound, "removing device", address, "no such device is enrolled")
	}
	err := os.Remove(filepath.Join(a.folder, deviceFolder, address))
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(sashlock.NotFound, "removing device", address, "no such device is enrolled")
	}
	if end := os.Remove(filepath.Join(a.folder, endFolder, address)); !errors.Is(end, fs.ErrNotExist) {
		err = errors.Join(err, end)
	}
	return err
}
