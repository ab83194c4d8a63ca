// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"crypto/rand"
	"crypto/subtle"
	_ "embed" // for the commonest passwords
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// The rules of passwords are (NIST SP 800-63B):
//
//   - A password is never enough: it counts together with a one-time code only,
//     and only for those whose role can change nothing. See factors.go.
//   - Twelve characters at least. Any are allowed and none has to be there; it
//     does not have to be changed from time to time.
//   - None that everybody tries first: made of the commonest passwords, of what
//     lies side by side on a keyboard, of repetitions, or of one's own name.
//   - What is kept is argon2id with the parameters that OWASP recommends.

// The limits of a password, in characters.
const (
	MinPassword = 12
	MaxPassword = 256
)

// The cost of argon2id: 19 MiB, two passes.
const (
	argonPasses   = 2
	argonMemory   = 19 << 10
	argonThreads  = 1
	argonKeyBytes = 32
	saltBytes     = 16
)

//go:embed common.txt
var commonText string

// commonPasswords are the commonest passwords and parts of them, the longest
// first.
func commonPasswords() []string {
	all := strings.Fields(commonText)
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// CheckPassword says what is wrong with a password for somebody of a name; nil:
// nothing. The error is of kind invalid and names the field password.
func CheckPassword(password, name string) error {
	bad := func(hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "choosing password", Subject: "password", Hint: hint}
	}
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return bad(lang.Mark("use characters that can be typed"))
	case n < MinPassword:
		return bad(lang.Mark("use at least 12 characters: a few words are easier to remember than signs"))
	case n > MaxPassword:
		return bad(lang.Mark("use at most 256 characters"))
	case guessable(password, name):
		return bad(lang.Mark("this is among the first that anybody would try: put a few words together that have nothing to do with each other"))
	}
	return nil
}

// guessable reports whether a password is made of what everybody tries first.
// What is left after taking that away has to be at least six characters.
func guessable(password, name string) bool {
	asTyped := strings.ToLower(norm.NFC.String(password))
	asMeant := strings.NewReplacer("@", "a", "$", "s", "€", "e", "0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t").Replace(asTyped)
	own := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
	words := append(own, commonPasswords()...)
	return distinct(without(asTyped, words)) < 6 || distinct(without(asMeant, words)) < 6
}

// without takes words out of a text.
func without(text string, words []string) string {
	for _, word := range words {
		if utf8.RuneCountInString(word) >= 3 {
			text = strings.ReplaceAll(text, word, "\x00")
		}
	}
	return text
}

// distinct counts the characters of a text that do not merely go on as the ones
// before: 1, 2, 3 and a, a, a and blanks between words add nothing.
func distinct(text string) (n int) {
	seen := map[rune]bool{}
	var last rune
	for _, r := range text {
		if step := r - last; r != 0 && !unicode.IsSpace(r) && (step < -1 || step > 1) && !seen[r] {
			n++
		}
		if r != 0 {
			seen[r], last = true, r
		}
	}
	return n
}

// verifier is what is kept of a password.
func newVerifier(password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := stretch(password, salt)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

func stretch(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, argonPasses, argonMemory, argonThreads, argonKeyBytes)
}

// noVerifier is that of nobody: a password is compared with it when there is
// none to compare with, so that this takes as long.
const noVerifier = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches reports whether a password is the one of a verifier.
func matches(verifier, password string) bool {
	parts := strings.Split(verifier, "$")
	if len(parts) != 6 || strings.Join(parts[:4], "$") != fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d", argon2.Version, argonMemory, argonPasses, argonThreads) {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	key, err := base64.RawStdEncoding.DecodeString(parts[5])
	return err == nil && subtle.ConstantTimeCompare(stretch(password, salt), key) == 1 && verifier != noVerifier
}
