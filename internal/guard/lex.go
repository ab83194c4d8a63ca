// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"strings"
	"unicode/utf8"
)

// sort is what kind of token it is.
type sort uint8

const (
	word   sort = iota // identifier or keyword
	text               // string in quotation marks
	number             // digits
	sign               // everything else
)

// token is a piece of a rail's text. cedar-go keeps no positions below the
// rule, so messages get theirs from here.
type token struct {
	sort         sort
	text         string // as written
	offset       int    // in bytes
	line, column int
}

// is reports whether the token is a given word or sign.
func (t token) is(s string) bool { return t.sort != text && t.text == s }

// value is the content of a string without escapes; ok is false for any other
// token.
func (t token) value() (s string, ok bool) {
	if t.sort != text || len(t.text) < 2 || strings.Contains(t.text, `\`) {
		return "", false
	}
	return t.text[1 : len(t.text)-1], true
}

// end is the offset after the token.
func (t token) end() int { return t.offset + len(t.text) }

// lexer cuts a text into tokens the way Cedar does.
type lexer struct {
	src          string
	at           int
	line, column int
}

// lex returns the tokens of a text. It accepts everything: what is no Cedar
// becomes signs, and the parser says so.
func lex(src string) []token {
	l := lexer{src: src, line: 1, column: 1}
	var all []token
	for {
		l.skip()
		if l.at >= len(src) {
			return all
		}
		t := token{offset: l.at, line: l.line, column: l.column}
		t.sort = l.one()
		t.text = src[t.offset:l.at]
		all = append(all, t)
	}
}

// step moves over one character.
func (l *lexer) step() {
	_, n := utf8.DecodeRuneInString(l.src[l.at:])
	if l.src[l.at] == '\n' {
		l.line++
		l.column = 0
	}
	l.at += n
	l.column++
}

// skip moves over space and comments.
func (l *lexer) skip() {
	for l.at < len(l.src) {
		switch rest := l.src[l.at:]; {
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			l.step()
		case strings.HasPrefix(rest, "//"):
			for l.at < len(l.src) && l.src[l.at] != '\n' {
				l.step()
			}
		case strings.HasPrefix(rest, "/*"):
			l.step()
			l.step()
			for l.at < len(l.src) && !strings.HasPrefix(l.src[l.at:], "*/") {
				l.step()
			}
			for range min(2, len(l.src)-l.at) {
				l.step()
			}
		default:
			return
		}
	}
}

// one moves over one token and says what it is.
func (l *lexer) one() sort {
	switch c := l.src[l.at]; {
	case isLetter(c):
		for l.at < len(l.src) && (isLetter(l.src[l.at]) || isDigit(l.src[l.at])) {
			l.step()
		}
		return word
	case isDigit(c):
		for l.at < len(l.src) && isDigit(l.src[l.at]) {
			l.step()
		}
		return number
	case c == '"':
		l.quoted()
		return text
	}
	for _, pair := range []string{"::", "==", "!=", "<=", ">=", "&&", "||"} {
		if strings.HasPrefix(l.src[l.at:], pair) {
			l.step()
			break
		}
	}
	l.step()
	return sign
}

// quoted moves over a string, up to the end of the line if it has no end.
func (l *lexer) quoted() {
	l.step()
	for l.at < len(l.src) && l.src[l.at] != '\n' {
		c := l.src[l.at]
		l.step()
		if c == '"' {
			return
		}
		if c == '\\' && l.at < len(l.src) && l.src[l.at] != '\n' {
			l.step()
		}
	}
}

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
