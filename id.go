// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Identifiers are a short prefix, an underscore and a ULID in lower case: they
// sort by time of creation, cannot be guessed and tell their kind at a glance.
// They carry no personal data, so they may stand in ledger entries for ever.
type (
	SiteID       string // SiteID names a [Site], "site_…".
	AreaID       string // AreaID names an [Area], "area_…".
	OpeningID    string // OpeningID names an [Opening], "opn_…".
	PersonID     string // PersonID is the pseudonym of a [Person], "prs_…".
	RoleID       string // RoleID names a [Role], "role_…".
	ScheduleID   string // ScheduleID names a [Schedule], "sch_…".
	GrantID      string // GrantID names a [Grant], "grt_…".
	DeviceID     string // DeviceID names a [Device], "dev_…".
	DecisionID   string // DecisionID names a [Decision], "dec_…".
	CommandID    string // CommandID names a [Command], "act_…": the API calls the resource that tracks a command an action.
	AlarmID      string // AlarmID names an [Alarm], "alm_…".
	ShiftID      string // ShiftID names a [Shift], "shf_…".
	CredentialID string // CredentialID names a [Credential], "crd_…".
	OperatorID   string // OperatorID names who is signed in to the console or API, "opr_…".
)

func (SiteID) prefix() string       { return "site" }
func (AreaID) prefix() string       { return "area" }
func (OpeningID) prefix() string    { return "opn" }
func (PersonID) prefix() string     { return "prs" }
func (RoleID) prefix() string       { return "role" }
func (ScheduleID) prefix() string   { return "sch" }
func (GrantID) prefix() string      { return "grt" }
func (DeviceID) prefix() string     { return "dev" }
func (DecisionID) prefix() string   { return "dec" }
func (CommandID) prefix() string    { return "act" }
func (AlarmID) prefix() string      { return "alm" }
func (ShiftID) prefix() string      { return "shf" }
func (CredentialID) prefix() string { return "crd" }
func (OperatorID) prefix() string   { return "opr" }

// NewID makes an identifier of type T for something created at the given time.
// Two calls never return the same one: 80 of its bits are random.
func NewID[T interface {
	~string
	prefix() string
}](at time.Time) T {
	var kind T
	id := ulid.MustNew(ulid.Timestamp(at), rand.Reader)
	return T(kind.prefix() + "_" + strings.ToLower(id.String()))
}

// ValidSlug reports whether s can be the short name that people type for an
// object: 1 to 40 of a-z, 0-9 and the hyphen, starting with a letter or digit.
func ValidSlug(s string) bool {
	if len(s) == 0 || len(s) > 40 || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
