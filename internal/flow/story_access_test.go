// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"strconv"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// What stories about access say beyond openings and grants.

// person returns somebody of the story, who is declared by being named.
func (s *story) person(name string) *sashlock.Person {
	id := sashlock.PersonID("prs_" + name)
	s.names[string(id)] = name
	for i := range s.facts.People {
		if s.facts.People[i].ID == id {
			return &s.facts.People[i]
		}
	}
	s.facts.People = append(s.facts.People, sashlock.Person{ID: id, Slug: name, Name: name})
	return &s.facts.People[len(s.facts.People)-1]
}

// role gives somebody a role, which is declared by being named.
func (s *story) role(person, name string) {
	p := s.person(person)
	p.Roles = append(p.Roles, s.roleNamed(name))
}

func (s *story) roleNamed(name string) sashlock.RoleID {
	id := sashlock.RoleID("role_" + name)
	for _, r := range s.facts.Roles {
		if r.ID == id {
			return id
		}
	}
	s.facts.Roles = append(s.facts.Roles, sashlock.Role{ID: id, Slug: name, Name: name})
	return id
}

// terms adds to the grant told of last: "uses=1 lasts=20m with=manager".
func (s *story) terms(words []string) {
	if len(words) == 0 {
		return
	}
	t := &s.facts.Grants[len(s.facts.Grants)-1].Terms
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		number, _ := strconv.Atoi(value)
		switch key {
		case "uses":
			t.Uses = number
		case "lasts":
			t.Lasts, _ = time.ParseDuration(value)
		case "on-shift":
			t.OnShift = true
		case "with":
			t.With = s.roleNamed(value)
		case "escort":
			t.Escort = s.person(value).ID
		case "two":
			t.Two = true
		case "level":
			t.Level = sashlock.Assurance(number)
		case "hold":
			t.Hold, _ = time.ParseDuration(value)
		default:
			s.t.Fatalf("unknown term %q", word)
		}
	}
}

// area declares an area and what it asks of everybody.
func (s *story) area(words []string) {
	a := sashlock.Area{ID: sashlock.AreaID("area_" + words[0]), Slug: words[0], Name: words[0], Site: "site_1"}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "passback":
			a.Passback = sashlock.Passback(value)
		case "for":
			a.PassbackFor, _ = time.ParseDuration(value)
		case "occupancy":
			a.Occupancy, _ = strconv.Atoi(value)
		default:
			s.need(&a.Needs, key, value)
		}
	}
	s.facts.Areas = append(s.facts.Areas, a)
}

func (s *story) need(n *sashlock.Needs, key, value string) {
	switch key {
	case "level":
		number, _ := strconv.Atoi(value)
		n.Level = sashlock.Assurance(number)
	case "two":
		n.Two = true
	case "first-in":
		n.FirstIn = s.roleNamed(value)
	default:
		s.t.Fatalf("unknown need %q", key)
	}
}

// forgive sets somebody's whereabouts right.
func (s *story) forgive(person string) {
	_, err := s.hall.Change(s.t.Context(), flow.Change{Operator: "opr_1", Make: func(tx *store.Tx) (flow.Edit, error) {
		return flow.Forgive(tx, s.person(person).ID), nil
	}})
	s.must(err)
}

// request is somebody asking in a certain way: "level=3", "leaving", "duress".
func (s *story) request(person, opening string, how []string) sashlock.Request {
	q := sashlock.Request{Person: sashlock.PersonID(person), Opening: sashlock.OpeningID(opening)}
	for _, word := range how {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "level":
			number, _ := strconv.Atoi(value)
			q.Level = sashlock.Assurance(number)
		case "leaving":
			q.Side = sashlock.Leaving
		case "duress":
			q.Duress = true
		default:
			s.t.Fatalf("unknown way of asking %q", word)
		}
	}
	return q
}
