// SPDX-License-Identifier: Apache-2.0

package now

import (
	"context"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/opening"
)

// Said is how an opening stands in words, as at now, for whoever does not see
// the drawing.
func (p pin) Said(ctx context.Context, now time.Time) string {
	text := lang.T(ctx, p.Face().Text)
	switch s := p.Shown; {
	case s.Word == opening.LastSeen:
		text = p.ageWords(ctx, now) + " · " + p.Was(ctx)
	case p.drains():
		text += " " + console.ClockWords(s.Until.Sub(now))
	case p.counts():
		text += " " + console.ClockWords(now.Sub(s.Since))
	}
	if p.Trial {
		text += " · " + lang.T(ctx, "on trial")
	}
	if p.Person != "" {
		text += " · " + p.Person
	}
	if p.Nobody {
		text += " · " + lang.T(ctx, "nobody there")
	}
	return text
}

// ageWords is when a stale opening was last heard from.
func (p pin) ageWords(ctx context.Context, now time.Time) string {
	if p.Shown.Since.IsZero() || p.Shown.Since.After(now) {
		return lang.T(ctx, "Last seen at an unknown time")
	}
	return lang.T(ctx, p.Face().Text) + " " + console.AgoWords(now.Sub(p.Shown.Since))
}

// counts reports whether the time since it came to be so is counted up.
func (p pin) counts() bool {
	return (p.Shown.Word == opening.HeldOpen || p.Shown.Word == opening.Open) && !p.Shown.Since.IsZero()
}

// Was is how a stale opening was. Secured is not repeated: it would be read as
// if it still were.
func (p pin) Was(ctx context.Context) string {
	switch p.Shown.Was {
	case opening.Secured, opening.Lockdown, opening.BlockedOff, opening.LockedOnly:
		return lang.T(ctx, "then locked")
	case opening.HeldOpen, opening.Open:
		return lang.T(ctx, "then open")
	case opening.HeldUnlocked, opening.Unlocked:
		return lang.T(ctx, "then unlocked")
	case opening.Ajar:
		return lang.T(ctx, "then ajar")
	case opening.Jammed:
		return lang.T(ctx, "then jammed")
	case opening.Halfway:
		return lang.T(ctx, "then not fully locked")
	case opening.ClosedOnly:
		return lang.T(ctx, "then closed")
	}
	return lang.T(ctx, "then unknown")
}

// kindWords is what a kind of opening is called.
func kindWords(ctx context.Context, kind string) string {
	switch sashlock.OpeningKind(kind) {
	case sashlock.Door:
		return lang.T(ctx, "Door")
	case sashlock.Case:
		return lang.T(ctx, "Case")
	case sashlock.Cage:
		return lang.T(ctx, "Cage")
	case sashlock.Locker:
		return lang.T(ctx, "Locker")
	case sashlock.Hatch:
		return lang.T(ctx, "Hatch")
	case sashlock.Vending:
		return lang.T(ctx, "Vending machine")
	case sashlock.Kiosk:
		return lang.T(ctx, "Kiosk")
	}
	return kind
}

// areaName is the name of an area, or what is said of openings without one.
func areaName(ctx context.Context, name string) string {
	if name == "" {
		return lang.T(ctx, "Without an area")
	}
	return name
}

// abilities says in words what matters about a device.
func abilities(ctx context.Context, d sashlock.Device) string {
	var can []string
	for _, c := range []struct {
		has   sashlock.Capability
		words string
	}{
		{sashlock.CanRelease, lang.Mark("releases and relocks by itself")}, {sashlock.TellsPosition, lang.Mark("tells open from closed")},
		{sashlock.TellsPresence, lang.Mark("sees somebody near")}, {sashlock.TellsJam, lang.Mark("notices a jam")}, {sashlock.HasCodes, lang.Mark("keeps PIN codes")},
	} {
		if d.Has(c.has) {
			can = append(can, lang.T(ctx, c.words))
		}
	}
	return strings.Join(can, ", ")
}

// onlyWords is what the openings are that a view shows alone.
func onlyWords(ctx context.Context, which string) string {
	switch which {
	case onlyOpen:
		return lang.T(ctx, "Open or unlocked")
	case onlyHeld:
		return lang.T(ctx, "Held open or unattended")
	}
	return lang.T(ctx, "Out of reach")
}
