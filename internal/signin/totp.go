// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238: what every authenticator app computes
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// One-time codes of an app are those of RFC 6238: HMAC-SHA-1 over the number of
// the half minute, six digits. Who verifies takes the step before and the one
// after too, because clocks differ, and none that is not later than the last
// one used.

const (
	codeKeyBytes = 20 // RFC 4226, section 4: 160 bits
	codeStep     = 30 // seconds
	codeDigits   = 6
)

var codeKeyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// stepAt is the number of the half minute of an instant.
func stepAt(at time.Time) int64 { return at.Unix() / codeStep }

// codeAt is the code of a step (RFC 4226, section 5.3).
func codeAt(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // no negative steps since 1970
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[offset:]) &^ (1 << 31)
	return fmt.Sprintf("%0*d", codeDigits, n%1_000_000)
}

// CodeAt is the one-time code that an app with a key shows at an instant. The
// key is written as for [CodeKeyAddress].
func CodeAt(key string, at time.Time) (string, error) {
	raw, err := codeKeyText.DecodeString(key)
	return codeAt(raw, stepAt(at)), err
}

// matchStep finds the step whose code was written, among those that may be
// used now. It looks at each of them, whichever matches.
func matchStep(key []byte, written string, now time.Time, used int64) (step int64, found bool) {
	code := []byte(plainDigits(written))
	for s := stepAt(now) - 1; s <= stepAt(now)+1; s++ {
		if subtle.ConstantTimeCompare([]byte(codeAt(key, s)), code) == 1 && s > used && !found {
			step, found = s, true
		}
	}
	return step, found
}

// plainDigits is a code as people may write it, in groups, without the blanks.
func plainDigits(written string) string {
	if len(written) > 20 {
		return ""
	}
	return strings.NewReplacer(" ", "", "-", "").Replace(written)
}

// CodeKeyAddress is what an authenticator app reads from a QR code: the key,
// whose it is and at which store.
func CodeKeyAddress(key, name, store string) string {
	label := url.PathEscape("Sashlock " + store + ":" + name)
	return "otpauth://totp/" + label + "?" + url.Values{
		"secret": {key}, "issuer": {"Sashlock " + store}, "algorithm": {"SHA1"}, "digits": {fmt.Sprint(codeDigits)}, "period": {fmt.Sprint(codeStep)},
	}.Encode()
}
