// SPDX-License-Identifier: Apache-2.0

package sashlock

import (
	"encoding/json"
	"time"
)

// EventKind names what happened: a noun and a verb in the past tense.
type EventKind string

// What devices report.
const (
	LockLocked      EventKind = "lock.locked"             // the lock says it is locked; method, slot, boot, number
	LockUnlocked    EventKind = "lock.unlocked"           // the lock says it is unlocked; method, slot, boot, number, command if it names one
	LockUnlatched   EventKind = "lock.unlatched"          // the lock says its latch is drawn too; as lock.unlocked
	LockWasJammed   EventKind = "lock.jammed"             // the bolt did not move; as lock.unlocked
	LockHalfway     EventKind = "lock.not_fully_locked"   // the bolt stands between locked and unlocked; as lock.unlocked
	CodeRefused     EventKind = "lock.code_refused"       // somebody entered a code that the lock does not know; slot
	OpeningOpened   EventKind = "opening.opened"          // the contact says open
	OpeningClosed   EventKind = "opening.closed"          // the contact says closed
	DeviceOnline    EventKind = "device.came_online"      // the device or its gateway can be reached again
	DeviceOffline   EventKind = "device.went_offline"     // the device or its gateway cannot be reached
	DeviceTampered  EventKind = "device.tampered"         // a cover was opened
	TamperCleared   EventKind = "device.tamper_cleared"   // the cover is shut again
	BatteryReported EventKind = "device.battery_reported" // how full the battery is; level
	PresenceSeen    EventKind = "presence.seen"           // somebody is there
	PresenceLost    EventKind = "presence.lost"           // nobody is there any more
)

// Stuck reports whether a lock says that its bolt did not get where it was to go.
func (k EventKind) Stuck() bool { return k == LockWasJammed || k == LockHalfway }

// What follows from reports, requests and time.
const (
	OpeningForced     EventKind = "opening.forced"     // it was opened while its lock said locked; device
	AccessGranted     EventKind = "access.granted"     // a request was granted; person, operator, method, grant, decision, reason, checks
	AccessDenied      EventKind = "access.denied"      // a request was refused; as access.granted, grant is the one that came nearest
	AccessTaken       EventKind = "access.taken"       // it was opened under a grant; person, decision, command
	AccessNotTaken    EventKind = "access.not_taken"   // it was not opened in the time of its release; person, decision, command
	CommandAccepted   EventKind = "command.accepted"   // a driver took the command; device, person, decision, command
	CommandQueued     EventKind = "command.queued"     // a command was recorded and is on its way; why is its verb
	CommandEnded      EventKind = "command.ended"      // a command came to its end; why is its final state, reason says why it did not succeed
	AlarmRaised       EventKind = "alarm.raised"       // a rule found something; alarm, rule, why
	AlarmCleared      EventKind = "alarm.cleared"      // the condition is over; alarm, rule
	AlarmAcknowledged EventKind = "alarm.acknowledged" // an operator has seen it; alarm, rule, operator
	ReportRefused     EventKind = "report.refused"     // a report of which nothing may come; device, reason, why is what it said
)

// What operators change. Their entries carry the object after the change.
const (
	SiteSaved        EventKind = "site.saved"        // site, subject, data
	SiteRemoved      EventKind = "site.removed"      // site, subject
	AreaSaved        EventKind = "area.saved"        // site, subject, data
	AreaRemoved      EventKind = "area.removed"      // site, subject
	OpeningSaved     EventKind = "opening.saved"     // site, opening, subject, data
	OpeningRemoved   EventKind = "opening.removed"   // site, opening, subject
	FileApplied      EventKind = "file.applied"      // a file was applied under a name, with another content than before; subject, data
	FileForgotten    EventKind = "file.forgotten"    // what it declares belongs to no file; subject
	TrialBegan       EventKind = "trial.began"       // from here on nothing is sent to its lock; site, opening
	TrialEnded       EventKind = "trial.ended"       // from here on its lock is told what was decided; site, opening
	PersonSaved      EventKind = "person.saved"      // person, subject, data
	PersonRemoved    EventKind = "person.removed"    // person, subject
	RoleSaved        EventKind = "role.saved"        // subject, data
	RoleRemoved      EventKind = "role.removed"      // subject
	ScheduleSaved    EventKind = "schedule.saved"    // subject, data
	ScheduleRemoved  EventKind = "schedule.removed"  // subject
	GrantSaved       EventKind = "grant.saved"       // grant, person or none, opening or none, subject, data
	GrantRevoked     EventKind = "grant.revoked"     // grant, subject
	DeviceDiscovered EventKind = "device.discovered" // a driver found a device; device, subject, data
	DeviceAdopted    EventKind = "device.adopted"    // a device was fitted to an opening; device, opening, subject, data
	DeviceReleased   EventKind = "device.removed"    // a device was taken from its opening; device, opening, subject
	TokenIssued      EventKind = "token.issued"      // subject, data without the secret
	TokenRevoked     EventKind = "token.revoked"     // subject
	PlanSaved        EventKind = "plan.saved"        // the floor plan of a site; site, subject, data
	PictureSaved     EventKind = "picture.saved"     // a picture of an opening or of a floor; site, opening or none, subject
	TagIssued        EventKind = "tag.issued"        // a tag for an opening; opening, subject
	DeviceTested     EventKind = "device.tested"     // an operator had a device give a sign; device, opening, operator
	ViewSaved        EventKind = "view.saved"        // an operator kept a search; subject, data
	ViewRemoved      EventKind = "view.removed"      // subject
	EvidenceExported EventKind = "evidence.exported" // an operator took evidence out; operator, subject, data tells what
	GatewaySaved     EventKind = "gateway.saved"     // a gateway was set up or changed on the console; operator, subject, data tells driver and the names of the settings that changed
	GatewayRemoved   EventKind = "gateway.removed"   // operator, subject
	SystemStarted    EventKind = "system.started"    // a store node began to work
	JournalReplayed  EventKind = "journal.replayed"  // entries written while the ledger could not be; data tells how many
)

// Who comes and goes, and what stands for a while.
const (
	AccessDeferred    EventKind = "access.deferred"     // a request waits for a second person or a better credential; as access.denied
	AccessForgiven    EventKind = "access.forgiven"     // somebody's whereabouts were set right, so that anti-passback lets them in; person, operator
	PassbackSeen      EventKind = "access.passed_back"  // somebody entered twice without leaving and was let in; person, opening, decision
	DuressSignalled   EventKind = "access.duress"       // a credential was used under duress; person, opening, decision
	PersonClockedIn   EventKind = "person.clocked_in"   // person, site, subject is the shift
	PersonClockedOut  EventKind = "person.clocked_out"  // person, site, subject is the shift
	PersonLeft        EventKind = "person.left"         // somebody left an area or the site; person, site, opening
	ShiftSaved        EventKind = "shift.saved"         // person, site, subject, data
	ShiftRemoved      EventKind = "shift.removed"       // person, site, subject
	RotaImported      EventKind = "rota.imported"       // site, subject is the source, data counts
	CredentialSaved   EventKind = "credential.saved"    // person, subject, data without what is secret
	CredentialRemoved EventKind = "credential.removed"  // person, subject
	CredentialLostAt  EventKind = "credential.lost"     // person, subject, why
	CredentialRefused EventKind = "credential.refused"  // something presented is not known or not accepted; opening, reason
	CodeWritten       EventKind = "code.written"        // a lock holds a PIN of ours; device, opening, person, slot, subject is the credential
	CodeCleared       EventKind = "code.cleared"        // a lock has forgotten a code; as code.written
	CodeNotTaken      EventKind = "code.not_taken"      // a lock would not take a PIN; as code.written, why
	CodeRevoked       EventKind = "code.revoked"        // a lock has to forget a code; as code.written
	CodeFound         EventKind = "code.found"          // a lock holds a code that we did not put there; device, opening, slot
	CodeVanished      EventKind = "code.vanished"       // a code is in a lock no more, and nobody told it to forget it; as code.written, why
	CodeAdopted       EventKind = "code.adopted"        // a code that was found is somebody's; as code.written
	CodeCondemned     EventKind = "code.condemned"      // an operator wants a code that was found removed; as code.found
	KeyTaken          EventKind = "key.taken"           // a mechanical key was handed out; person, subject
	KeyReturned       EventKind = "key.returned"        // person, subject
	KeyOverdue        EventKind = "key.overdue"         // a mechanical key was not brought back in time; person, subject
	ModeOrdered       EventKind = "mode.ordered"        // a standing order for an opening; opening, subject is its source, why is the mode
	ModeWithdrawn     EventKind = "mode.withdrawn"      // a standing order was taken back or ended; opening, subject is its source
	ModeHeldBack      EventKind = "mode.held_back"      // a guard rail, or the lock, kept an order from an opening; opening, person or operator, subject is its source, rule, why
	ThreatChanged     EventKind = "site.threat_changed" // site, subject is its source, why is the new level
	RailSaved         EventKind = "rail.saved"          // a guard rail; subject, data
	RailRemoved       EventKind = "rail.removed"        // subject
	RailCrossed       EventKind = "rail.crossed"        // a guard rail that only watches would have forbidden it; opening, person, decision, rule
	ScenarioSaved     EventKind = "scenario.saved"      // subject, data
	ScenarioRemoved   EventKind = "scenario.removed"    // subject
	ScenarioBegan     EventKind = "scenario.began"      // site, subject, why and data tell what triggered it
	ScenarioEnded     EventKind = "scenario.ended"      // site, subject, why
	ScenarioHeldBack  EventKind = "scenario.held_back"  // a guard rail kept a scenario from an opening; opening, subject, rule
	AskFiled          EventKind = "ask.filed"           // somebody asked for access; person, subject, data
	AskAnswered       EventKind = "ask.answered"        // it was approved or turned down; person, operator, subject, why
	ReviewBegan       EventKind = "review.began"        // an access review; subject, data
	ReviewAnswered    EventKind = "review.answered"     // one grant of a review was kept or taken; grant, subject, why
	ReviewEnded       EventKind = "review.ended"        // subject, data counts
	ChangeProposed    EventKind = "change.proposed"     // a change waits for a second operator; subject, data
	ChangeConfirmed   EventKind = "change.confirmed"    // the second operator agreed and it was made; subject
	ChangeTurnedDown  EventKind = "change.turned_down"  // subject, why
	ChangeMadeAlone   EventKind = "change.made_alone"   // a dangerous change that nobody else could confirm; operator, why is its kind
	ApprovalsSaved    EventKind = "approvals.saved"     // who answers requests, or what waits for a second operator; subject, data
)

// What people make of alarms, and customers who wait.
const (
	AlarmShelved     EventKind = "alarm.shelved"     // an operator put it aside until a time; alarm, rule, operator, why, data is the time
	AlarmUnshelved   EventKind = "alarm.unshelved"   // it is back; alarm, rule
	IncidentOpened   EventKind = "incident.opened"   // the first alarm of a case; alarm, subject
	IncidentJoined   EventKind = "incident.joined"   // another alarm of the case; alarm, subject
	IncidentTaken    EventKind = "incident.taken"    // an operator made it theirs; operator, subject
	IncidentNoted    EventKind = "incident.noted"    // operator, subject, data
	IncidentResolved EventKind = "incident.resolved" // operator, subject, why is the cause
	IncidentReopened EventKind = "incident.reopened" // operator, subject
	CallRaised       EventKind = "call.raised"       // a customer waits at an opening; opening, subject
	CallTaken        EventKind = "call.taken"        // somebody goes; opening, person, subject
	CallEnded        EventKind = "call.ended"        // the customer was served or is gone; opening, subject, why
	SelfServiceSet   EventKind = "self_service.set"  // how customers open cases themselves; site, data, or opening and why: on or off
	GuestCodeMade    EventKind = "guest.code_made"   // a one-time code for a customer; site, operator
	GuestAdmitted    EventKind = "guest.admitted"    // a customer may open cases for a while; site, opening, person is a random number, why is what they showed
	GuestRefused     EventKind = "guest.refused"     // a customer was turned away before anything was decided; site, opening, person if admitted, why
)

// Who uses the console.
const (
	OperatorSaved    EventKind = "operator.saved"           // subject, data
	OperatorRemoved  EventKind = "operator.removed"         // subject
	OperatorSignedIn EventKind = "operator.signed_in"       // operator, subject is the session, why the means
	OperatorSignedUp EventKind = "operator.signed_up"       // a claim or an invitation was accepted; operator, why
	OperatorLeft     EventKind = "operator.signed_out"      // operator, subject is the session
	OperatorRefused  EventKind = "operator.refused"         // a sign-in, or a page or act outside what the operator may; operator if known, why
	OperatorInvited  EventKind = "operator.invited"         // a one-time link was made; operator, subject
	PasskeyAdded     EventKind = "passkey.added"            // operator, subject
	PasskeyRemoved   EventKind = "passkey.removed"          // operator, subject
	ElevationAsked   EventKind = "operator.elevation_asked" // somebody asks for a higher role for a while; operator, subject, why, data tells role and length
	ElevationBegan   EventKind = "operator.elevated"        // a second operator agreed; operator is the second, subject, data tells who, role and until when
	ElevationEnded   EventKind = "operator.elevation_ended" // operator, subject, why, data lists the entries of what was done under it
	SSOSaved         EventKind = "sso.saved"                // how operators may sign in was changed; operator, subject, data without the secret
	TOTPAdded        EventKind = "totp.added"               // operator, subject
	TOTPRemoved      EventKind = "totp.removed"             // operator, subject
)

// Event is something that happened. It is never edited; the ledger gives it
// its number. Which fields are set depends on the kind; docs/reference/events.md
// lists them.
type Event struct {
	Seq        int64           `json:"seq"` // place in the ledger, from 0
	Kind       EventKind       `json:"kind"`
	Heard      time.Time       `json:"heard"`       // our clock, when it was recorded
	At         time.Time       `json:"at,omitzero"` // the device's claim of when it happened
	Site       SiteID          `json:"site,omitempty"`
	Opening    OpeningID       `json:"opening,omitempty"`
	Device     DeviceID        `json:"device,omitempty"`
	Person     PersonID        `json:"person,omitempty"`
	Operator   OperatorID      `json:"operator,omitempty"`
	Grant      GrantID         `json:"grant,omitempty"`
	Decision   DecisionID      `json:"decision,omitempty"`
	Command    CommandID       `json:"command,omitempty"`
	Alarm      AlarmID         `json:"alarm,omitempty"`
	Rule       string          `json:"rule,omitempty"`       // the rule that found it
	Method     Method          `json:"method,omitempty"`     // how a lock was operated
	Slot       int             `json:"slot,omitempty"`       // user slot in the lock
	Credential CredentialID    `json:"credential,omitempty"` // what was presented
	Second     PersonID        `json:"second,omitempty"`     // of two persons, the one who asked first
	Side       Side            `json:"side,omitempty"`       // in which direction the person passes
	Level      int             `json:"level,omitempty"`      // battery percent
	Boot       uint64          `json:"boot,omitempty"`
	Number     uint64          `json:"number,omitempty"` // the device's own running number
	Reason     Reason          `json:"reason,omitempty"`
	Why        string          `json:"why,omitempty"`     // the reason in words, where a rule explains itself
	Subject    string          `json:"subject,omitempty"` // the object a change was about
	Checks     []Check         `json:"checks,omitempty"`  // the conditions of a decision
	Data       json.RawMessage `json:"data,omitempty"`    // the object after a change
}
