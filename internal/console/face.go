// SPDX-License-Identifier: Apache-2.0

package console

import (
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
)

// Tone is how much a thing wants to be looked at. It sets the colour, which
// never stands alone.
type Tone string

// The tones, from the quietest.
const (
	Calm   Tone = "calm"   // as it should be
	Active Tone = "active" // in use, as somebody meant it
	Order  Tone = "order"  // by standing order
	Doubt  Tone = "doubt"  // nobody knows for certain
	Watch  Tone = "watch"  // worth a look
	Alert  Tone = "act"    // somebody has to act
)

// Face is how one word about an opening looks: a shape with an icon in it, the
// word, and a tone.
type Face struct {
	Word  opening.Word
	Shape string // name of the drawing, and in words for those who do not see it
	Text  string
	Tone  Tone
}

// Faces lists the face of every word, in the order of the words.
func Faces() []Face {
	return []Face{
		{opening.Forced, "octagon", lang.Mark("Forced"), Alert},
		{opening.LastSeen, "dashed-circle", lang.Mark("Last seen"), Doubt},
		{opening.HeldOpen, "triangle", lang.Mark("Held open"), Alert},
		{opening.Jammed, "half-circle", lang.Mark("Jammed"), Alert},
		{opening.Halfway, "half-moon", lang.Mark("Not fully locked"), Watch},
		{opening.Open, "square", lang.Mark("Open"), Watch},
		{opening.HeldUnlocked, "open-shield", lang.Mark("Held unlocked"), Order},
		{opening.Unlocked, "ring", lang.Mark("Unlocked"), Active},
		{opening.Ajar, "half-square", lang.Mark("Ajar"), Watch},
		{opening.Lockdown, "shield", lang.Mark("Lockdown"), Order},
		{opening.BlockedOff, "barred-shield", lang.Mark("Blocked"), Order},
		{opening.Secured, "circle", lang.Mark("Secured"), Calm},
		{opening.LockedOnly, "outlined-circle", lang.Mark("Locked"), Calm},
		{opening.ClosedOnly, "barred-circle", lang.Mark("Closed"), Calm},
		{opening.Unknown, "dotted-circle", lang.Mark("Unknown"), Doubt},
	}
}

// FaceOf returns the face of a word; a word that this version does not know
// has the face of the unknown.
func FaceOf(w opening.Word) Face {
	all := Faces()
	for _, f := range all {
		if f.Word == w {
			return f
		}
	}
	return all[len(all)-1]
}
