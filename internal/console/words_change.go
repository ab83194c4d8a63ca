// SPDX-License-Identifier: Apache-2.0

package console

import (
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
)

// whereabouts tells of who comes and goes, and of mechanical keys.
func (t *teller) whereabouts() bool {
	switch t.e.Kind {
	case sashlock.PersonClockedIn:
		return t.say(Calm, "%s clocked in", t.person())
	case sashlock.PersonClockedOut:
		return t.say(Calm, "%s clocked out", t.person())
	case sashlock.PersonLeft:
		return t.say(Calm, "%s left by %s", t.person(), t.opening())
	case sashlock.AccessForgiven:
		return t.say(Order, "An operator set right where %s is", t.person())
	case sashlock.KeyTaken:
		return t.say(Watch, "%s took a mechanical key", t.person())
	case sashlock.KeyReturned:
		return t.say(Calm, "%s brought a mechanical key back", t.person())
	case sashlock.KeyOverdue:
		return t.say(Alert, "%s has not brought a mechanical key back in time", t.person())
	case sashlock.CredentialLostAt:
		return t.say(Alert, "%s has lost what lets them in: nothing of it opens any more", t.person())
	case sashlock.DuressSignalled:
		return true // the alarm tells those who may know; nothing at the store shows it
	}
	return false
}

// standing tells of what is ordered for a while: by scenarios, lockdowns and
// operators.
func (t *teller) standing() bool {
	switch e := t.e; e.Kind {
	case sashlock.ModeOrdered:
		return t.ordered(sashlock.Mode(e.Why))
	case sashlock.ModeWithdrawn:
		t.line.many = lang.Mark("%d openings are as they were: an order for them ended")
		return t.say(Calm, "%s is as it was: an order for it ended", t.opening())
	case sashlock.ThreatChanged:
		return t.say(threatTone(e.Why), "The store stands at: %s", lang.Say(ThreatWords(e.Why)))
	case sashlock.ScenarioBegan:
		return t.say(Order, "A scenario began: %s", subject(e.Subject))
	case sashlock.ScenarioEnded:
		return t.say(Calm, "Over, and everything is as it was: %s", subject(e.Subject))
	case sashlock.ModeHeldBack:
		t.line.many = lang.Mark("%d openings were kept from an order")
		return t.say(Watch, "%s was kept from an order for it", t.opening())
	case sashlock.ScenarioHeldBack:
		t.line.many = lang.Mark("%d times a guard rail held an order back")
		if e.Opening == "" {
			return t.say(Watch, "A scenario was held back: %s", subject(e.Subject))
		}
		return t.say(Watch, "A guard rail held an order for %s back", t.opening())
	}
	return false
}

// ordered tells in which mode an opening is to be for a while.
func (t *teller) ordered(mode sashlock.Mode) bool {
	switch mode {
	case sashlock.HeldUnlocked:
		t.line.many = lang.Mark("%d openings are to be held unlocked for a while")
		return t.say(Order, "%s is to be held unlocked for a while", t.opening())
	case sashlock.LockedDown:
		t.line.many = lang.Mark("%d openings are locked down")
		return t.say(Alert, "%s is locked down", t.opening())
	case sashlock.Blocked:
		t.line.many = lang.Mark("%d openings are blocked for a while")
		return t.say(Watch, "%s is blocked for a while", t.opening())
	}
	t.line.many = lang.Mark("%d openings are to be as usual")
	return t.say(Calm, "%s is to be as usual", t.opening())
}

// subject is the slug of what gave an order, without the word before it.
func subject(source string) string {
	if _, slug, found := strings.Cut(source, ":"); found {
		return slug
	}
	return source
}

// ThreatWords is how a store stands.
func ThreatWords(threat string) string {
	switch threat {
	case "peak":
		return lang.Mark("Peak hour")
	case "event":
		return lang.Mark("Special event")
	case "heightened":
		return lang.Mark("Heightened")
	case "lockdown":
		return lang.Mark("Lockdown")
	}
	return lang.Mark("Normal")
}

func threatTone(threat string) Tone {
	switch threat {
	case "lockdown":
		return Alert
	case "heightened":
		return Watch
	}
	return Order
}

// changeWords are the kinds of change with what one and several of them are called.
func changeWords(k sashlock.EventKind) (one, many string) {
	switch k {
	case sashlock.SiteSaved:
		return lang.Mark("A site was set up"), lang.Mark("%d sites were set up")
	case sashlock.AreaSaved:
		return lang.Mark("An area was set up"), lang.Mark("%d areas were set up")
	case sashlock.OpeningSaved:
		return lang.Mark("An opening was set up"), lang.Mark("%d openings were set up")
	case sashlock.PersonSaved:
		return lang.Mark("A person was added or changed"), lang.Mark("%d people were added or changed")
	case sashlock.RoleSaved:
		return lang.Mark("A role was added or changed"), lang.Mark("%d roles were added or changed")
	case sashlock.ScheduleSaved:
		return lang.Mark("A schedule was added or changed"), lang.Mark("%d schedules were added or changed")
	case sashlock.GrantSaved:
		return lang.Mark("A grant was given or changed"), lang.Mark("%d grants were given or changed")
	case sashlock.GrantRevoked:
		return lang.Mark("A grant was revoked"), lang.Mark("%d grants were revoked")
	case sashlock.DeviceDiscovered:
		return lang.Mark("A device was found"), lang.Mark("%d devices were found")
	case sashlock.DeviceAdopted:
		return lang.Mark("A device was fitted"), lang.Mark("%d devices were fitted to their openings")
	case sashlock.DeviceReleased:
		return lang.Mark("A device was taken away"), lang.Mark("%d devices were taken away")
	case sashlock.TokenIssued:
		return lang.Mark("A token was issued"), lang.Mark("%d tokens were issued")
	case sashlock.TokenRevoked:
		return lang.Mark("A token was revoked"), lang.Mark("%d tokens were revoked")
	case sashlock.OperatorSaved:
		return lang.Mark("An operator was added or changed"), lang.Mark("%d operators were added or changed")
	case sashlock.OperatorSignedIn:
		return lang.Mark("An operator signed in"), lang.Mark("%d operators signed in")
	case sashlock.TagIssued:
		return lang.Mark("A tag was issued"), lang.Mark("%d tags were issued")
	case sashlock.GatewaySaved:
		return lang.Mark("A gateway was set up or changed"), lang.Mark("%d gateways were set up or changed")
	case sashlock.GatewayRemoved:
		return lang.Mark("A gateway was removed"), lang.Mark("%d gateways were removed")
	case sashlock.DeviceTested:
		return lang.Mark("A device was tested"), lang.Mark("%d devices were tested")
	case sashlock.PlanSaved, sashlock.PictureSaved:
		return lang.Mark("A floor plan was changed"), lang.Mark("%d floor plans were changed")
	case sashlock.ShiftSaved, sashlock.ShiftRemoved:
		return lang.Mark("A shift was planned or changed"), lang.Mark("%d shifts were planned or changed")
	case sashlock.RotaImported:
		return lang.Mark("A rota was imported"), lang.Mark("%d rotas were imported")
	case sashlock.CredentialSaved:
		return lang.Mark("A PIN, card, code or key was given or changed"), lang.Mark("%d PINs, cards, codes or keys were given or changed")
	case sashlock.CredentialRemoved:
		return lang.Mark("A PIN, card, code or key was taken back"), lang.Mark("%d PINs, cards, codes or keys were taken back")
	case sashlock.RailSaved, sashlock.RailRemoved:
		return lang.Mark("A guard rail was changed"), lang.Mark("%d guard rails were changed")
	case sashlock.SelfServiceSet:
		return lang.Mark("How customers open cases themselves was changed"), lang.Mark("%d times it was changed how customers open cases themselves")
	case sashlock.GuestCodeMade:
		return lang.Mark("A code was made for a customer"), lang.Mark("%d codes were made for customers")
	case sashlock.ScenarioSaved, sashlock.ScenarioRemoved:
		return lang.Mark("A scenario was changed"), lang.Mark("%d scenarios were changed")
	case sashlock.FileApplied, sashlock.FileForgotten:
		return lang.Mark("A file of declarations was applied or forgotten"), lang.Mark("%d times a file of declarations was applied or forgotten")
	case sashlock.TrialBegan:
		return lang.Mark("An opening was put on trial: nothing is sent to its lock"), lang.Mark("%d openings were put on trial: nothing is sent to their locks")
	case sashlock.TrialEnded:
		return lang.Mark("An opening came into force: its lock is told what is decided"), lang.Mark("%d openings came into force: their locks are told what is decided")
	case sashlock.SiteRemoved, sashlock.AreaRemoved, sashlock.OpeningRemoved, sashlock.PersonRemoved,
		sashlock.RoleRemoved, sashlock.ScheduleRemoved:
		return lang.Mark("Something was removed"), lang.Mark("%d things were removed")
	}
	return "", ""
}

// approvalWords are what is asked for, and waits for a second operator.
func approvalWords(k sashlock.EventKind) string {
	switch k {
	case sashlock.AskFiled:
		return lang.Mark("Somebody asked for access")
	case sashlock.AskAnswered:
		return lang.Mark("A request for access was answered")
	case sashlock.ReviewBegan:
		return lang.Mark("An access review began")
	case sashlock.ReviewEnded:
		return lang.Mark("An access review ended")
	case sashlock.ChangeProposed:
		return lang.Mark("A change waits for a second operator")
	case sashlock.ChangeConfirmed:
		return lang.Mark("A second operator agreed to a change")
	case sashlock.ChangeTurnedDown:
		return lang.Mark("A change was turned down")
	case sashlock.ChangeMadeAlone:
		return lang.Mark("One operator made a dangerous change: nobody else could confirm it")
	case sashlock.ApprovalsSaved:
		return lang.Mark("Who approves what was changed")
	case sashlock.ElevationAsked:
		return lang.Mark("An operator asked for a higher role for a while")
	case sashlock.ElevationBegan:
		return lang.Mark("An operator has a higher role for a while")
	case sashlock.ElevationEnded:
		return lang.Mark("An operator has the usual role again")
	}
	return ""
}

func (t *teller) change() bool {
	switch t.e.Kind {
	case sashlock.OperatorRefused:
		return t.say(Watch, "Somebody tried what they may not in the console")
	case sashlock.EvidenceExported:
		return t.say(Order, "Evidence was exported")
	case sashlock.SystemStarted:
		return t.say(Calm, "Sashlock started")
	case sashlock.JournalReplayed:
		return t.say(Watch, "The ledger can be written again; what was kept meanwhile was added")
	}
	if words := approvalWords(t.e.Kind); words != "" {
		return t.say(Order, words)
	}
	one, many := changeWords(t.e.Kind)
	t.line.many = many
	return one != "" && t.say(Calm, one)
}
