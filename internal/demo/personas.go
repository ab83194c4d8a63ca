// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"slices"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// staff are the operators of the demo, besides its visitor.
type staff struct {
	desk     sashlock.OperatorID // the control room, which acknowledges what nobody else does
	personas []persona           // in the order in which they are offered
}

// as is the persona with a role.
func (f staff) as(r signin.Role) sashlock.OperatorID {
	for _, p := range f.personas {
		if p.operator.Role == r {
			return p.operator.ID
		}
	}
	return f.desk
}

// persona is an identity that a visitor can take on with one click.
type persona struct {
	key      string
	words    string // what they do here, in a few words, marked for translation
	home     string // the page on which they land
	operator signin.Operator
}

// The names of operators. Of the visitor's the app takes the first: it has to
// come before all others in the alphabet.
const (
	visitorName = "A visitor"
	deskName    = "Control room"
)

// visitorKey is the identity of whoever has not chosen one.
const visitorKey = "visitor"

// cast are the identities before they are operators.
func cast() []persona {
	return []persona{
		{key: "engineer", words: lang.Mark("Engineer: devices and programs"), home: "/devices", operator: signin.Operator{Name: "Gil Ramos", Role: signin.Engineer}},
		{key: "protection", words: lang.Mark("Loss prevention: alarms and incidents"), home: "/alarms", operator: signin.Operator{Name: "Nadia Brandt", Role: signin.Protection}},
		{key: "manager", words: lang.Mark("Store manager: people and access in Lisbon"), home: "/", operator: signin.Operator{Name: "Helena Duarte", Role: signin.Manager}},
		{key: "associate", words: lang.Mark("Associate: serves customers with a phone"), home: "/serve", operator: signin.Operator{Role: signin.Associate}},
		{key: "auditor", words: lang.Mark("Auditor: sees and proves, changes nothing"), home: "/proof", operator: signin.Operator{Name: "Ingrid Solheim", Role: signin.Auditor}},
	}
}

// admit makes the operators, or finds those of an earlier start.
func (s *shop) admit(ctx context.Context) error {
	var have []signin.Operator
	err := s.house.Store.View(ctx, func(q store.Query) (err error) { have, err = signin.Operators(q); return err })
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(have, func(o signin.Operator) bool { return o.ID == s.operator }); i >= 0 && have[i].Name == "Visitor" {
		o := have[i]
		o.Name = visitorName
		if _, err := s.house.Signin.SaveOperator(ctx, s.operator, o); err != nil {
			return err
		}
	}
	find := func(o signin.Operator, desk bool) (signin.Operator, error) {
		i := slices.IndexFunc(have, func(h signin.Operator) bool {
			return h.ID != s.operator && h.Role == o.Role && (h.Name == deskName) == desk
		})
		if i >= 0 {
			return have[i], nil
		}
		return s.house.Signin.SaveOperator(ctx, s.operator, o)
	}
	desk, err := find(signin.Operator{Name: deskName, Role: signin.Protection}, true)
	if err != nil {
		return err
	}
	s.staff = staff{desk: desk.ID, personas: cast()}
	for i := range s.staff.personas {
		p := &s.staff.personas[i]
		switch p.operator.Role {
		case signin.Manager:
			p.operator.Person, p.operator.Sites = s.person("helena"), s.site("lisbon")
		case signin.Associate:
			who := s.onShift()
			p.operator.Name, p.operator.Person, p.operator.Sites = who.Name, who.ID, s.site("lisbon")
		}
		if p.operator, err = find(p.operator, false); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) person(slug string) sashlock.PersonID {
	for id, p := range s.house.Hall.Book().People {
		if p.Slug == slug {
			return id
		}
	}
	return ""
}

func (s *shop) site(slug string) []sashlock.SiteID {
	for id, one := range s.house.Hall.Book().Sites {
		if one.Slug == slug {
			return []sashlock.SiteID{id}
		}
	}
	return nil
}

// servedCase is the case by which it is told who is on shift.
const servedCase = "fragrance-2"

// onShift is somebody who may serve in the flagship now: by the real clock, not
// by that of the past.
func (s *shop) onShift() sashlock.Person {
	book := s.house.Hall.Book()
	var at sashlock.OpeningID
	for id, o := range book.Openings {
		if o.Slug == servedCase {
			at = id
		}
	}
	var found sashlock.Person
	for _, p := range book.People {
		if !s.serves(p.ID, at) || s.isManager(p) || found.ID != "" && found.Slug < p.Slug {
			continue
		}
		found = p
	}
	return found
}

func (s *shop) serves(who sashlock.PersonID, at sashlock.OpeningID) bool {
	q := sashlock.Request{Person: who, Opening: at, At: time.Now()}
	return s.house.Hall.Book().Index.Could(q, sashlock.Normal).Granted
}

func (s *shop) isManager(p sashlock.Person) bool {
	book := s.house.Hall.Book()
	return slices.ContainsFunc(p.Roles, func(id sashlock.RoleID) bool { return book.Roles[id].Slug == "manager" })
}

// refresh gives the associate the person who is on shift now, if the one they
// are has gone home.
func (s *shop) refresh(ctx context.Context, p *persona) error {
	o := p.operator
	if o.Role != signin.Associate {
		return nil
	}
	for id, one := range s.house.Hall.Book().Openings {
		if one.Slug == servedCase && s.serves(o.Person, id) {
			return nil
		}
	}
	who := s.onShift()
	if who.ID == "" {
		return nil // nobody is: the page of the associate says so
	}
	o.Name, o.Person, o.Rev = who.Name, who.ID, 0
	saved, err := s.house.Signin.SaveOperator(ctx, s.operator, o)
	if err == nil {
		p.operator = saved
	}
	return err
}
