// SPDX-License-Identifier: Apache-2.0

package approvals_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sashlock/sashlock/internal/approvals"
)

// weighed says of every kind of entry that the ledger has whether what makes it
// can be dangerous, in three lists of lines "kinds: reason". A kind that is new
// has to be put in one of them.
//
// Facts are no changes: devices, requests, rules and time make them, or they
// tell of a change that another entry records.
const facts = `
lock.locked lock.unlocked lock.unlatched lock.jammed lock.not_fully_locked lock.code_refused opening.opened opening.closed: a device said so
device.came_online device.went_offline device.tampered device.tamper_cleared device.battery_reported presence.seen presence.lost: a device said so
opening.forced access.granted access.denied access.taken access.not_taken access.deferred access.passed_back access.duress: a decision, and what came of it
command.accepted command.queued command.ended report.refused credential.refused rail.crossed: a decision, and what came of it
alarm.raised alarm.cleared alarm.unshelved incident.opened incident.joined key.overdue: a rule found it, or time passed
code.written code.cleared code.not_taken code.found code.vanished: a lock said so
device.discovered system.started journal.replayed rota.imported: the store node did it by itself, or it counts entries of other kinds
mode.held_back scenario.began scenario.ended scenario.held_back site.threat_changed person.left: a scenario that was saved, or an order, and what came of it
change.proposed change.confirmed change.turned_down change.made_alone: what became of dangerous changes
operator.signed_in operator.signed_out operator.refused operator.signed_up operator.elevation_asked operator.elevation_ended: who came and went
guest.admitted guest.refused: a customer, to whom nothing of the highest value is given
review.began review.ended ask.filed evidence.exported: somebody looked, or asked`

// Changes that can be dangerous: "kind of proposal: entries: how".
const dangers = `
grant: grant.saved scenario.saved: for what is worth most, where it says more than before
rail: rail.saved rail.removed: an enforced one that says something else, or is gone
owner: operator.saved: who becomes an owner
four-eyes: approvals.saved: fewer changes wait than before
access: person.saved schedule.saved: a role or a time by which more of what is worth most is given, or a role that a rail is about and that is left
place: site.saved area.saved opening.saved: what is worth most is guarded less
place: opening.removed: of what is worth most, or of its interlock
place: device.adopted device.removed: a lock or contact of what is worth most, or of its interlock`

// Changes that are not.
const calm = `
site.removed area.removed: only where nothing is in it any more
person.removed role.removed schedule.removed grant.revoked shift.removed scenario.removed: nobody opens more by it
role.saved: its name; who has it, and what is given to it, are other entries
shift.saved person.clocked_in person.clocked_out: the rota gives nothing that a grant does not
credential.saved code.adopted key.taken key.returned: what somebody shows opens what their grants say
credential.removed credential.lost code.revoked code.condemned token.revoked passkey.removed totp.removed operator.removed: takes away
access.forgiven: lets somebody in whose grant says so, once, by name
mode.ordered mode.withdrawn: guard rails are asked about every order, again when it comes into force
ask.answered review.answered: gives a grant, which is an entry of its own
operator.elevated: takes two operators in any case
operator.invited token.issued passkey.added totp.added sso.saved: who signs in; making an owner is another entry
trial.began trial.ended: told of a field of the opening, which is weighed with it
file.applied file.forgotten: which file declares what, and nothing about who may open what; what the file changes is weighed by itself
gateway.saved gateway.removed: how devices are reached; the right to set up the store, with a proof of presence
device.tested plan.saved picture.saved tag.issued view.saved view.removed: shows something
alarm.acknowledged alarm.shelved incident.taken incident.noted incident.resolved incident.reopened call.raised call.taken call.ended: what people make of alarms
self_service.set guest.code_made: nothing of the highest value is given to customers`

// Every kind of entry is a fact, dangerous or calm, and the dangerous ones can be
// held back.
func TestEveryKindOfEntryIsWeighed(t *testing.T) {
	seen := map[string]string{}
	take := func(list, of string) {
		for _, kind := range strings.Fields(of) {
			if was, twice := seen[kind]; twice {
				t.Errorf("%s is in %s and in %s", kind, was, list)
			}
			seen[kind] = list
		}
	}
	for list, text := range map[string]string{"facts": facts, "calm": calm, "dangers": dangers} {
		for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
			fields := strings.SplitN(line, ": ", 3)
			if list == "dangers" {
				known := []string{approvals.GrantKind, approvals.RailKind, approvals.OwnerKind, approvals.SettingsKind, approvals.AccessKind, approvals.PlaceKind}
				if !slices.Contains(known, fields[0]) {
					t.Errorf("nothing holds back %q", fields[0])
				}
				fields = fields[1:]
			}
			if len(fields) < 2 || fields[1] == "" {
				t.Errorf("%q gives no reason", line)
			}
			take(list, fields[0])
		}
	}
	for _, kind := range eventKinds(t) {
		if seen[kind] == "" {
			t.Errorf("%s: put it in the list of facts, dangers or what is calm", kind)
		}
		delete(seen, kind)
	}
	for kind, list := range seen {
		t.Errorf("%s is in %s, and there is no such entry", kind, list)
	}
}

// eventKinds are the kinds that event.go declares.
func eventKinds(t *testing.T) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		v, is := n.(*ast.ValueSpec)
		if !is {
			return true
		}
		if name, named := v.Type.(*ast.Ident); !named || name.Name != "EventKind" {
			return true
		}
		for _, value := range v.Values {
			if text, err := strconv.Unquote(value.(*ast.BasicLit).Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	if len(all) < 100 {
		t.Fatalf("only %d kinds were found", len(all))
	}
	return all
}
