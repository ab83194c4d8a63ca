// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The plan is drawn from where the openings are: nobody has to draw walls.
//
//   - An area is the rectangle around its openings with some space around
//     them. A door stands in the wall: on the side where a door is outermost,
//     the wall goes through it.
//   - Every other wall moves outwards until it meets another area or the edge
//     of the plan, all areas by turns, so that neighbours meet half-way.

const (
	edge   = 18 // of the plan, in thousandths
	around = 42 // space between an opening and the wall
	grow   = 2  // how far a wall moves in a turn
)

// The walls of a room.
const (
	left = iota
	top
	right
	bottom
)

// Spot is an opening on the plan, in thousandths of its width and height.
type Spot struct {
	Area string // identifier
	Name string // of the area
	X, Y int
	Door bool
}

// Room is an area on the plan, in thousandths of its width and height.
type Room struct {
	Area, Name               string
	Left, Top, Right, Bottom int
}

// Rooms draws the areas of some openings, in order of identifier.
func Rooms(spots []Spot) []Room {
	byArea := map[string][]Spot{}
	for _, s := range spots {
		byArea[s.Area] = append(byArea[s.Area], s)
	}
	var all []Room
	var fixed [][4]bool // by wall
	for id, list := range byArea {
		r, f := roomOf(id, list)
		all, fixed = append(all, r), append(fixed, f)
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(all[i].Area, all[j].Area) })
	rooms, stay := make([]Room, len(all)), make([][4]bool, len(all))
	for to, from := range order {
		rooms[to], stay[to] = all[from], fixed[from]
	}
	spread(rooms, stay)
	return rooms
}

func roomOf(id string, list []Spot) (r Room, fixed [4]bool) {
	r = Room{Area: id, Name: list[0].Name, Left: 1000, Top: 1000}
	x, y, alone := 0, 0, true
	for _, s := range list {
		x, y = x+s.X, y+s.Y
		if !s.Door {
			r, alone = r.with(s.X, s.Y), false
		}
	}
	if alone { // only doors: the room lies between them
		r = r.with(x/len(list), y/len(list))
	}
	core := r
	for _, s := range list {
		if !s.Door {
			continue
		}
		fixed[wall(core, s)] = true
		r.Left, r.Right, r.Top, r.Bottom = min(r.Left, s.X), max(r.Right, s.X), min(r.Top, s.Y), max(r.Bottom, s.Y)
	}
	return r, fixed
}

// with returns a room that has a place in it.
func (r Room) with(x, y int) Room {
	r.Left, r.Right = min(r.Left, max(0, x-around)), max(r.Right, min(1000, x+around))
	r.Top, r.Bottom = min(r.Top, max(0, y-around)), max(r.Bottom, min(1000, y+around))
	return r
}

// wall says in which wall a door stands: the outer one if it is at the edge of
// the plan, and otherwise the one that it lies beyond the furthest.
func wall(core Room, s Spot) int {
	const atEdge = edge + 10
	switch {
	case s.X <= atEdge:
		return left
	case s.X >= 1000-atEdge:
		return right
	case s.Y <= atEdge:
		return top
	case s.Y >= 1000-atEdge:
		return bottom
	}
	beyond := [4]int{left: core.Left - s.X, top: core.Top - s.Y, right: s.X - core.Right, bottom: s.Y - core.Bottom}
	return slices.Index(beyond[:], slices.Max(beyond[:]))
}

// spread moves the walls that may move until none can.
func spread(rooms []Room, fixed [][4]bool) {
	for moved := true; moved; {
		moved = false
		for i := range rooms {
			for side := range 4 {
				if fixed[i][side] {
					continue
				}
				next := wider(rooms[i], side)
				if next == rooms[i] || meets(rooms, i, next) {
					continue
				}
				rooms[i], moved = next, true
			}
		}
	}
}

func wider(r Room, side int) Room {
	switch side {
	case left:
		r.Left = min(r.Left, max(edge, r.Left-grow))
	case top:
		r.Top = min(r.Top, max(edge, r.Top-grow))
	case right:
		r.Right = max(r.Right, min(1000-edge, r.Right+grow))
	default:
		r.Bottom = max(r.Bottom, min(1000-edge, r.Bottom+grow))
	}
	return r
}

// meets reports whether a room as it would be overlaps another one that it does
// not overlap now.
func meets(rooms []Room, i int, next Room) bool {
	for j, other := range rooms {
		if j != i && overlap(next, other) && !overlap(rooms[i], other) {
			return true
		}
	}
	return false
}

func overlap(a, b Room) bool {
	return a.Left < b.Right && b.Left < a.Right && a.Top < b.Bottom && b.Top < a.Bottom
}

// CompareNames orders names as people do: "Case 2" before "Case 10", "Fátima"
// before "Filipe".
func CompareNames(a, b string) int { return compareLetters(bare(a), bare(b)) }

// bare is a text without the marks on its letters.
func bare(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Mn, r) {
					return -1
				}
				return r
			}, norm.NFD.String(s))
		}
	}
	return s
}

func compareLetters(a, b string) int {
	for a != "" && b != "" {
		m, n := digits(a), digits(b)
		if m > 0 && n > 0 {
			x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[m:], b[n:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many digits a text begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
