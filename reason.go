// SPDX-License-Identifier: Apache-2.0

package sashlock

// Reason says why a decision, command or alarm came out as it did. The words
// are taken from ONVIF's where it has one.
type Reason string

// Reasons for decisions.
const (
	Permitted              Reason = "permitted"
	UnknownPerson          Reason = "unknown_person"
	UnknownOpening         Reason = "unknown_opening"
	PersonSuspended        Reason = "person_suspended"
	PersonNotYetValid      Reason = "person_not_yet_valid"
	PersonExpired          Reason = "person_expired"
	Unauthorized           Reason = "unauthorized" // no grant names this person or a role of theirs for this opening
	GrantNotYetValid       Reason = "grant_not_yet_valid"
	GrantExpired           Reason = "grant_expired"
	NotPermittedAtThisTime Reason = "not_permitted_at_this_time"
	GrantUsedUp            Reason = "grant_used_up"
	NotOnShift             Reason = "not_on_shift"
	NotAccompanied         Reason = "not_accompanied"      // nobody with the role the grant asks for is there, or not the host
	SecondPersonNeeded     Reason = "second_person_needed" // not refused: the second of two persons is still to come
	NeedsStepUp            Reason = "needs_step_up"        // not refused: a credential of a higher level is needed
	FirstPersonMissing     Reason = "first_person_missing"
	AntiPassback           Reason = "anti_passback"
	Interlocked            Reason = "interlocked"
	AreaFull               Reason = "area_full"
	GuardRail              Reason = "guard_rail"
	UnknownCredential      Reason = "unknown_credential"
	CredentialLost         Reason = "credential_lost"
	CredentialExpired      Reason = "credential_expired"
	CredentialNotYetValid  Reason = "credential_not_yet_valid"
	CredentialSuspected    Reason = "credential_suspected" // a card that was somewhere else a moment ago, or whose owner is
	TooManyTries           Reason = "too_many_tries"
	OpeningLockedDown      Reason = "opening_locked_down"
	OpeningBlocked         Reason = "opening_blocked"
	NoLock                 Reason = "no_lock"      // no adopted device can unlock this opening
	LockOffline            Reason = "lock_offline" // its lock cannot be reached now
	LedgerUnavailable      Reason = "ledger_unavailable"
)

// Reasons for commands and reports.
const (
	LockJammed        Reason = "lock_jammed"
	BoltHalfway       Reason = "lock_not_fully_locked"
	NotConfirmed      Reason = "not_confirmed" // the device said nothing in time
	DeviceRefused     Reason = "device_refused"
	CommandLate       Reason = "expired"
	CommandReplayed   Reason = "replayed"
	WrongAudience     Reason = "wrong_audience"
	BadSignature      Reason = "bad_signature"
	WrongEpoch        Reason = "wrong_epoch"
	Restarted         Reason = "restarted" // the store node restarted while the command was under way
	EgressNeverLocked Reason = "egress_never_locked"
	OnTrial           Reason = "on_trial"
	UnknownDevice     Reason = "unknown_device"
	UnknownCommand    Reason = "unknown_command"
	ReportLate        Reason = "late" // older than what is already known; kept, changes nothing
	ReportRepeated    Reason = "repeated"
	ClockWrong        Reason = "clock_wrong"     // the device's clock is too far off to be believed
	ForeignTopic      Reason = "foreign_topic"   // a device spoke about something that is not its own
	Unreadable        Reason = "unreadable"      // what a device said cannot be understood
	LinkDowngraded    Reason = "link_downgraded" // a device answers with less protection than it has to have, or with another key
)

// reasonWords are what a person reads.
var reasonWords = map[Reason]string{
	Permitted:              "A grant allows it.",
	UnknownPerson:          "Nobody by that name is known here.",
	UnknownOpening:         "There is no such opening here.",
	PersonSuspended:        "This person's access is suspended.",
	PersonNotYetValid:      "This person's access has not begun yet.",
	PersonExpired:          "This person's access has ended.",
	Unauthorized:           "No grant covers this person at this opening.",
	GrantNotYetValid:       "The grant has not begun yet.",
	GrantExpired:           "The grant has ended.",
	NotPermittedAtThisTime: "The grant does not cover this time.",
	GrantUsedUp:            "The grant has been used as often as it may be.",
	NotOnShift:             "The person is not on shift here at this time.",
	NotAccompanied:         "Nobody who must be there with them is there.",
	SecondPersonNeeded:     "A second person who may open it has to ask as well.",
	NeedsStepUp:            "A stronger credential is needed here.",
	FirstPersonMissing:     "Nobody who has to be the first in has come today.",
	AntiPassback:           "The person is inside already and has not left.",
	Interlocked:            "Another opening of the same interlock stands open.",
	AreaFull:               "As many people as may be in the area are in it.",
	GuardRail:              "A guard rail forbids it.",
	UnknownCredential:      "Nobody knows this credential.",
	CredentialLost:         "The credential was reported lost.",
	CredentialExpired:      "The credential is no longer valid.",
	CredentialNotYetValid:  "The credential is not valid yet.",
	CredentialSuspected:    "It was somewhere else a moment ago, or its owner is: it may be a copy.",
	TooManyTries:           "There were too many wrong tries here; wait a little.",
	OpeningLockedDown:      "The opening is locked down.",
	OpeningBlocked:         "The opening is blocked.",
	NoLock:                 "No lock that Sashlock can open is fitted here.",
	LockOffline:            "The lock cannot be reached at the moment.",
	LedgerUnavailable:      "The ledger cannot be written, so nothing may be released.",
	LockJammed:             "The bolt is jammed.",
	BoltHalfway:            "The bolt stopped between locked and unlocked.",
	NotConfirmed:           "The lock did not confirm in time; look at it before you rely on it.",
	DeviceRefused:          "The device would not do it.",
	CommandLate:            "The command came too late and was not executed.",
	CommandReplayed:        "The command had been used before and was not executed again.",
	WrongAudience:          "The command was meant for something else.",
	BadSignature:           "The command was not signed by this site.",
	WrongEpoch:             "The command was issued by an earlier life of the store node.",
	Restarted:              "The store node restarted meanwhile; the lock is read back.",
	EgressNeverLocked:      "People leave through this opening: Sashlock never locks it.",
	OnTrial:                "The opening is on trial beside another system: it is decided and recorded, and nothing is sent to its lock.",
	UnknownDevice:          "The device has not been adopted.",
	UnknownCommand:         "There is no such command.",
	ReportLate:             "The report came late and changed nothing.",
	ReportRepeated:         "The report had been heard before.",
	ClockWrong:             "The device's clock is wrong; the time it was heard is used.",
	ForeignTopic:           "A device spoke about something that is not its own.",
	Unreadable:             "What the device said cannot be understood.",
	LinkDowngraded:         "The device answers with less protection than it has to have, or with another key; it is not believed.",
}

// Words returns the reason as a plain sentence, or the code itself for one
// that this version does not know.
func (r Reason) Words() string {
	if w, ok := reasonWords[r]; ok {
		return w
	}
	return string(r)
}

// Reasons returns every reason this version can give, for references and
// catalogues, in no particular order.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasonWords))
	for r := range reasonWords {
		all = append(all, r)
	}
	return all
}
