// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// The goals: how many times faster than the best of the others.
const goalFree, goalBound = 20, 3

// result is the whole comparison.
type result struct {
	Command string        `json:"command"`
	At      time.Time     `json:"at"`
	Machine string        `json:"machine"`
	Estate  string        `json:"estate"`
	Rounds  int           `json:"rounds"`
	Peers   []description `json:"peers"`
	Rows    []*row        `json:"rows"`
}

// description says what a peer is.
type description struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Setting string  `json:"setting"`
	Load    float64 `json:"load_s"`
}

// row is one peer with one kind of request.
type row struct {
	Kind    string `json:"kind"`
	Peer    string `json:"peer"`
	Checked int    `json:"checked"` // answers compared, all right
	Allowed int    `json:"allowed"` // of these
	Turns   []turn `json:"turns"`
}

func newResult(s settings, w *workload) *result {
	r := &result{
		At: time.Now().UTC(), Machine: machine(), Rounds: s.rounds,
		Estate: fmt.Sprintf("%d people, %d roles, %d openings, %d schedules, %d grants, %d guard rails, %d zones", people, roles, openings, schedules, s.grants, len(w.rails()), len(zones)),
	}
	for _, p := range s.peers {
		r.Peers = append(r.Peers, description{Name: p.name, Version: version(p.module), Setting: p.setting})
	}
	for _, k := range w.kinds() {
		for _, p := range s.peers {
			r.Rows = append(r.Rows, &row{Kind: k.name, Peer: p.name})
		}
	}
	return r
}

// row finds a row; nil if there is none.
func (r *result) row(kind, peer string) *row {
	i := slices.IndexFunc(r.Rows, func(f *row) bool { return f.Kind == kind && f.Peer == peer })
	if i < 0 {
		return nil
	}
	return r.Rows[i]
}

// spread returns the least, the median and the greatest of some figure over the
// turns.
func (f *row) spread(value func(int) float64) (low, middle, high float64) {
	var list []float64
	for i := range f.Turns {
		list = append(list, value(i))
	}
	slices.Sort(list)
	return list[0], list[len(list)/2], list[len(list)-1]
}

// times says how many times faster we are, taken within each round.
func (r *result) times(f *row) (low, middle, high float64, ok bool) {
	us := r.row(f.Kind, ours)
	if us == nil || f.Peer == ours || len(us.Turns) != len(f.Turns) {
		return 0, 0, 0, false
	}
	low, middle, high = f.spread(func(i int) float64 { return f.Turns[i].Nanoseconds / us.Turns[i].Nanoseconds })
	return low, middle, high, true
}

// verdict compares with the best of the others.
func (r *result) verdict(kind string) string {
	best, name := 0.0, ""
	for _, f := range r.Rows {
		if _, t, _, ok := r.times(f); ok && f.Kind == kind && (name == "" || t < best) {
			best, name = t, f.Peer
		}
	}
	goal := goalFree
	if strings.HasPrefix(kind, "three") {
		goal = goalBound
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf("With %s, sashlock is %.1f times as fast as the best of the others, %s (goal: %d).", kind, best, name, goal)
}

// print writes the settings and the table, in Markdown.
func (r *result) print(out io.Writer) error {
	fmt.Fprintf(out, "%s\n%s, %s\n%s; %d rounds\n\n", r.Command, r.At.Format(time.RFC3339), r.Machine, r.Estate, r.Rounds)
	for _, p := range r.Peers {
		fmt.Fprintf(out, "- %s (%s): %s. Loaded in %.1f s.\n", p.Name, p.Version, p.Setting, p.Load)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	line := func(cells ...string) { fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	line("requests", "peer", "ns/decision", "min", "max", "p99 ns", "allocs", "answers right", "allowed", "sashlock is")
	line(strings.Split(strings.Repeat("---,", 9)+"---", ",")...)
	var kinds []string
	for _, f := range r.Rows {
		line(r.cells(f)...)
		if !slices.Contains(kinds, f.Kind) {
			kinds = append(kinds, f.Kind)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, k := range kinds {
		fmt.Fprintln(out, r.verdict(k))
	}
	return nil
}

// cells are what the table says about a row.
func (r *result) cells(f *row) []string {
	low, middle, high := f.spread(func(i int) float64 { return f.Turns[i].Nanoseconds })
	_, p99, _ := f.spread(func(i int) float64 { return f.Turns[i].P99 })
	_, allocations, _ := f.spread(func(i int) float64 { return f.Turns[i].Allocations })
	times := ""
	if least, median, most, ok := r.times(f); ok {
		times = fmt.Sprintf("%.3gx (%.3g to %.3g)", median, least, most)
	}
	return []string{
		f.Kind, f.Peer, fmt.Sprintf("%.0f", middle), fmt.Sprintf("%.0f", low), fmt.Sprintf("%.0f", high), fmt.Sprintf("%.0f", p99),
		fmt.Sprintf("%.0f", allocations), fmt.Sprint(f.Checked), fmt.Sprintf("%.0f %%", 100*float64(f.Allowed)/float64(max(1, f.Checked))), times,
	}
}

// version is that of a module, as this program was built.
func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok && module != "" {
		for _, d := range info.Deps {
			if d.Path == module {
				return d.Version
			}
		}
	}
	return "this tree"
}

func machine() string {
	processor := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "model name" {
				processor = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", processor, runtime.GOMAXPROCS(0), runtime.GOOS, runtime.Version())
}
