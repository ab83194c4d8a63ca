// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"context"

	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// face is how the case looks by the word of its devices.
func (v *caseView) face() console.Face { return console.FaceOf(v.Shown.Word) }

// tone is how much the page wants to be looked at.
func (v *caseView) tone() console.Tone {
	switch v.Phase {
	case refused, failed, nagging:
		return console.Alert
	case asking, unlocked:
		return console.Active
	case open, closing:
		return console.Watch
	case secured, untaken, locked:
		return console.Calm
	}
	return v.face().Tone
}

// title is the word that stands largest on the page.
func (v *caseView) title(ctx context.Context) string {
	switch v.Phase {
	case open:
		return lang.T(ctx, "It is open")
	case nagging:
		return lang.T(ctx, "Still open")
	case closing:
		return lang.T(ctx, "Locking…")
	case secured:
		return lang.T(ctx, "Secured ✓")
	case untaken, locked:
		return lang.T(ctx, "Locked again")
	case failed:
		return lang.T(ctx, "The lock did not open")
	}
	return lang.T(ctx, v.face().Text)
}

// said is what is read aloud when the page changes.
func (v *caseView) said(ctx context.Context) string {
	switch v.Phase {
	case refused:
		return lang.T(ctx, "Not unlocked") + ". " + lang.T(ctx, v.Answer.Words)
	case asking:
		return lang.T(ctx, "Asking the lock…")
	case unlocked:
		return lang.T(ctx, "Unlocked, open it now")
	case failed:
		return v.title(ctx) + ". " + lang.T(ctx, v.Answer.Trouble)
	}
	return v.title(ctx)
}
