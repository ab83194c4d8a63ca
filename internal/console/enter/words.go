// SPDX-License-Identifier: Apache-2.0

package enter

import (
	"context"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
)

// roleWords is what a role is called.
func roleWords(ctx context.Context, r signin.Role) string { return lang.T(ctx, r.Words()) }

// roleAbout is what somebody with a role does.
func roleAbout(r signin.Role) string {
	switch r {
	case signin.Owner:
		return lang.Mark("everything, at every site")
	case signin.Manager:
		return lang.Mark("access, releases, alarms, and who works at the store")
	case signin.Protection:
		return lang.Mark("alarms, incidents and evidence")
	case signin.Engineer:
		return lang.Mark("sites, devices and tokens")
	case signin.Auditor:
		return lang.Mark("sees and proves, changes nothing")
	case signin.Associate:
		return lang.Mark("serves customers with a phone")
	}
	return ""
}

// list joins names.
func list(names []string) string { return strings.Join(names, ", ") }

// placeWords is where an operator may do what they may.
func placeWords(ctx context.Context, m member) string {
	where := lang.T(ctx, "All sites")
	if len(m.Where) > 0 {
		where = list(m.Where)
	}
	if len(m.Areas) > 0 {
		where += ": " + list(m.Areas)
	}
	return where
}

// siteName is the name of a site that a form lists.
func siteName(d draft, id sashlock.SiteID) string {
	for _, s := range d.AllSites {
		if s.ID == id {
			return s.Name
		}
	}
	return ""
}

// onward is where somebody goes from their codes.
func onward(first bool) string {
	if first {
		return "/"
	}
	return "/me"
}
