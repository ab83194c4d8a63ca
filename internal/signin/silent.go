// SPDX-License-Identifier: Apache-2.0

package signin

import "github.com/sashlock/sashlock"

// Hears reports whether an operator learns of what a rule found. Of a silent
// one only those learn who handle alarms; every page, stream, count and message
// asks this one question.
func (o Operator) Hears(rule string) bool { return !sashlock.Silent(rule) || o.May(Alarms) }

// Hears reports whether a token learns of what a rule found, as
// [Operator.Hears].
func (t Token) Hears(rule string) bool { return !sashlock.Silent(rule) || t.May(Alarms) }

// HearsOf reports whether a token learns of an event, as [Operator.HearsOf].
func (t Token) HearsOf(e sashlock.Event) bool {
	return (e.Kind != sashlock.DuressSignalled || t.May(Alarms)) && t.Hears(e.Rule)
}

// HearsOf reports whether an operator learns of an event: what tells of a
// silent alarm tells it only to those who handle alarms.
func (o Operator) HearsOf(e sashlock.Event) bool {
	return (e.Kind != sashlock.DuressSignalled || o.May(Alarms)) && o.Hears(e.Rule)
}
