// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// num writes a place in a drawing.
func num(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// laneY is where the lane with a number begins.
func laneY(n int) int { return drawTop + n*laneStep + (laneStep-laneHigh)/2 }

// markShape is the shape of a mark: what its colour tells is told by it too.
func markShape(t console.Tone) string {
	switch t {
	case console.Alert:
		return "triangle"
	case console.Watch:
		return "cross"
	case console.Order:
		return "square"
	}
	return "circle"
}

// letter is how wide a letter of a drawing is, about.
const letter = 7

// fits reports whether there is room for a word.
func fits(word string, width float64) bool {
	return float64(utf8.RuneCountInString(word)*letter+12) < width
}

// short cuts a name to what there is room for beside the axis.
func short(name string) string {
	const most = drawLeft/letter - 1
	if utf8.RuneCountInString(name) <= most {
		return name
	}
	return string([]rune(name)[:most-1]) + "…"
}

// then says how everything stood at the first finding.
func then(ctx context.Context, t tape) string { return t.stood(ctx, t.First) }

// stood says how everything stood at an instant.
func (t tape) stood(ctx context.Context, at time.Time) string {
	said := []string{lang.T(ctx, "At") + " " + at.Format("15:04:05")}
	for _, l := range t.Lanes {
		for _, s := range l.Stretches {
			if !at.Before(s.From) && at.Before(s.Until) {
				said = append(said, l.Label.In(lang.Of(ctx))+" "+lang.T(ctx, s.Word))
			}
		}
	}
	return strings.Join(said, " · ")
}
