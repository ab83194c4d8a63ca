// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"regexp"
	"sync"
	"time"

	"github.com/sashlock/sashlock/internal/lang"
)

// Why says in the reader's language what a rule found, which is recorded in
// English: "Open since 14:02:10; nobody seen there since 14:02:31." A text of
// which a part is not known stays as it was recorded.
func Why(ctx context.Context, recorded string) string {
	if lang.Of(ctx) == lang.English {
		return recorded
	}
	said, rest := "", recorded
	for rest != "" {
		piece, length := clause(ctx, rest)
		if length == 0 {
			return recorded
		}
		said, rest = said+piece, rest[length:]
	}
	return said
}

// clause says the clause that a text begins with, and how long it was.
func clause(ctx context.Context, rest string) (said string, length int) {
	for _, c := range clauses() {
		found := c.pattern.FindStringSubmatch(rest)
		if found == nil {
			continue
		}
		parts := make([]any, 0, 2)
		for _, part := range found[1:] {
			parts = append(parts, instant(ctx, part))
		}
		return lang.T(ctx, c.text, parts...), len(found[0])
	}
	return "", 0
}

// instant is a time of day, with its day where it was another one; a number is
// left as it is.
func instant(ctx context.Context, recorded string) string {
	if at, err := time.Parse("2 January 2006, 15:04:05", recorded); err == nil {
		return DateTime(ctx, at)
	}
	return recorded
}

// known is a clause of what rules say, with the times and numbers in it.
type known struct {
	pattern *regexp.Regexp
	text    string
}

// clauses are those of the rules in internal/detect. A test reads the stories
// of the rules and finds what is missing here.
var clauses = sync.OnceValue(func() (all []known) {
	const clock = `((?:\d{1,2} [A-Z][a-z]+ \d{4}, )?\d\d:\d\d:\d\d)`
	for _, c := range []struct{ before, text string }{
		{`Open since ` + clock, lang.Mark("Open since %s")},
		{`Unlocked since ` + clock, lang.Mark("Unlocked since %s")},
		{`Opened at ` + clock + ` while its lock said locked`, lang.Mark("Opened at %s while its lock said locked")},
		{`Somebody was let in at ` + clock + ` with a credential that says they are being forced`, lang.Mark("Somebody was let in at %s with a credential that says they are being forced")},
		{`\. Nothing at the opening shows it: call for help, and do not call the opening`, lang.Mark(". Nothing at the opening shows it: call for help, and do not call the opening")},
		{`A device here says that it was tampered with`, lang.Mark("A device here says that it was tampered with")},
		{` \(since ` + clock + `\)`, lang.Mark(" (since %s)")},
		{`; it was to be closed by ` + clock, lang.Mark("; it was to be closed by %s")},
		{`; the sensor that saw somebody has been silent since ` + clock, lang.Mark("; the sensor that saw somebody has been silent since %s")},
		{`; nobody seen there since it was opened`, lang.Mark("; nobody seen there since it was opened")},
		{`; nobody seen there since ` + clock, lang.Mark("; nobody seen there since %s")},
		{`,? and no release was in force`, lang.Mark(" and no release was in force")},
		{`, and the release ended at ` + clock, lang.Mark(", and the release ended at %s")},
		{`, and a device here says that it was tampered with`, lang.Mark(", and a device here says that it was tampered with")},
		{`, outside store hours, with no release in force`, lang.Mark(", outside store hours, with no release in force")},
		{`Nobody had come in by ` + clock, lang.Mark("Nobody had come in by %s")},
		{`; the store was to open at ` + clock, lang.Mark("; the store was to open at %s")},
		{`The bolt has been jammed since ` + clock + `; look whether it is locked`, lang.Mark("The bolt has been jammed since %s; look whether it is locked")},
		{`The bolt has stood between locked and unlocked since ` + clock + `; it may open to a pull`, lang.Mark("The bolt has stood between locked and unlocked since %s; it may open to a pull")},
		{`The battery of a device here is down to (\d+) %; change it before the device stops`, lang.Mark("The battery of a device here is down to %s %%; change it before the device stops")},
		{`The batteries of (\d+) devices here are nearly empty, the lowest at (\d+) %; change them before the devices stop`, lang.Mark("The batteries of %s devices here are nearly empty, the lowest at %s %%; change them before the devices stop")},
		{`A reader or device here has answered without the protection that it has to have since ` + clock, lang.Mark("A reader or device here has answered without the protection that it has to have since %s")},
		{`(\d+) readers or devices here have answered without the protection that they have to have since ` + clock, lang.Mark("%s readers or devices here have answered without the protection that they have to have since %s")},
		{`, and nothing from there is believed\. Look whether somebody was at the device or its cable before it is given a key again`, lang.Mark(", and nothing from there is believed. Look whether somebody was at the device or its cable before it is given a key again")},
		{`A lock here was to forget a code at ` + clock + ` and has not confirmed it; it was to be gone by ` + clock, lang.Mark("A lock here was to forget a code at %s and has not confirmed it; it was to be gone by %s")},
		{`\.`, lang.Mark(".")},
	} {
		all = append(all, known{regexp.MustCompile(`^` + c.before), c.text})
	}
	return all
})
