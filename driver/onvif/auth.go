// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"crypto/md5" //nolint:gosec // RFC 7616 and many controllers have nothing better
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the one digest of WS-UsernameToken
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"time"
)

// tokenTime is how WS-Security writes a time.
const tokenTime = "2006-01-02T15:04:05Z"

// tokenDigest is the password of a WS-UsernameToken: base64 of the SHA-1 of
// nonce, time and password (OASIS Username Token Profile 1.0).
func tokenDigest(nonce []byte, created, password string) string {
	h := sha1.New() //nolint:gosec // see above
	h.Write(nonce)
	h.Write([]byte(created + password))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// token returns the header that says who calls, by the controller's clock.
func token(user, password string, now time.Time) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	created := now.UTC().Format(tokenTime)
	const secext = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	const utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	const profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
	const encoding = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	return `<w:Security s:mustUnderstand="1" xmlns:w="` + secext + `" xmlns:u="` + utility + `"><w:UsernameToken><w:Username>` + escape(user) +
		`</w:Username><w:Password Type="` + profile + `">` + tokenDigest(nonce, created, password) +
		`</w:Password><w:Nonce EncodingType="` + encoding + `">` + base64.StdEncoding.EncodeToString(nonce) +
		`</w:Nonce><u:Created>` + created + `</u:Created></w:UsernameToken></w:Security>`
}

// challenge is what a controller asks for by HTTP digest authentication (RFC
// 7616).
type challenge struct {
	realm, nonce, opaque string
	algorithm            string // as written; empty means MD5
	auth                 bool   // quality of protection "auth"
	hash                 func() hash.Hash
}

// digestChallenge picks the best challenge that a refusal makes; nil if it
// makes none of digest.
func digestChallenge(h http.Header) *challenge {
	var best *challenge
	for _, line := range h.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.EqualFold(scheme, "Digest") || len(rest) > 2048 {
			continue
		}
		fields := parameters(rest)
		c := &challenge{realm: fields["realm"], nonce: fields["nonce"], opaque: fields["opaque"], algorithm: fields["algorithm"]}
		for _, q := range strings.Split(fields["qop"], ",") {
			c.auth = c.auth || strings.TrimSpace(q) == "auth"
		}
		switch strings.ToUpper(c.algorithm) {
		case "SHA-256":
			c.hash = sha256.New
			return c
		case "", "MD5":
			c.hash = md5.New
			best = c
		}
	}
	return best
}

// parameters reads a list of name="value" or name=value.
func parameters(text string) map[string]string {
	fields := make(map[string]string)
	for text != "" {
		var name, value string
		name, text, _ = strings.Cut(text, "=")
		name = strings.ToLower(strings.Trim(name, " ,\t"))
		if rest, quoted := strings.CutPrefix(text, `"`); quoted {
			value, text, _ = strings.Cut(rest, `"`)
		} else {
			value, text, _ = strings.Cut(text, ",")
			value = strings.TrimSpace(value)
		}
		text = strings.TrimLeft(text, ", \t")
		if name != "" {
			fields[name] = value
		}
	}
	return fields
}

// answer is the header that answers a challenge. count is how often its nonce
// was used, from 1.
func (c *challenge) answer(user, password, method, uri, client string, count int) string {
	sum := func(parts ...string) string {
		h := c.hash()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	who, what := sum(user, c.realm, password), sum(method, uri)
	header := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s"`, quoted(user), quoted(c.realm), quoted(c.nonce), quoted(uri))
	if c.auth {
		number := fmt.Sprintf("%08x", count)
		header += fmt.Sprintf(`, qop=auth, nc=%s, cnonce="%s", response="%s"`, number, client, sum(who, c.nonce, number, client, "auth", what))
	} else {
		header += fmt.Sprintf(`, response="%s"`, sum(who, c.nonce, what))
	}
	if c.algorithm != "" {
		header += ", algorithm=" + strings.ToUpper(c.algorithm)
	}
	if c.opaque != "" {
		header += fmt.Sprintf(`, opaque="%s"`, quoted(c.opaque))
	}
	return header
}

func quoted(text string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) }
