// SPDX-License-Identifier: Apache-2.0

package console

import "strings"

// DiffLine is a line of two texts that were compared.
type DiffLine struct {
	Text string
	Sign string // "+": only in the new one, "−": only in the old one, " ": in both
}

// mostCompared is how many lines of a text are compared; the rest is left out.
const mostCompared = 400

// Difference compares two texts line by line, leaving out what is the same far
// from anything that is not. Nil: they are the same.
func Difference(old, now string) []DiffLine {
	if old == now {
		return nil
	}
	a, b := linesOf(old), linesOf(now)
	// common[i][j] is how many lines a[i:] and b[j:] have in common, in order.
	common := make([][]int16, len(a)+1)
	for i := range common {
		common[i] = make([]int16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var all []DiffLine
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, DiffLine{a[i], " "})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			all = append(all, DiffLine{a[i], "−"})
			i++
		default:
			all = append(all, DiffLine{b[j], "+"})
			j++
		}
	}
	return near(all)
}

func linesOf(text string) []string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return all[:min(len(all), mostCompared)]
}

// aroundIt is how many lines are kept around a difference.
const aroundIt = 2

// near keeps the lines that differ and those around them.
func near(all []DiffLine) (some []DiffLine) {
	last := -1
	for i, l := range all {
		keep := false
		for k := max(0, i-aroundIt); k < min(len(all), i+aroundIt+1); k++ {
			keep = keep || all[k].Sign != " "
		}
		if !keep {
			continue
		}
		if last >= 0 && last != i-1 {
			some = append(some, DiffLine{"…", " "})
		}
		some, last = append(some, l), i
	}
	return some
}
