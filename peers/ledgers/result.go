// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
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

// goal is how many times faster than a rival Sashlock is meant to be.
const goal = 3

// result is the whole comparison.
type result struct {
	Command string    `json:"command"`
	At      time.Time `json:"at"`
	Machine string    `json:"machine"`
	Rounds  int       `json:"rounds"`
	Length  string    `json:"for"`
	Body    int       `json:"body"` // bytes
	Peers   []about   `json:"peers"`
	Rows    []*figure `json:"rows"`
}

// about says what a peer is.
type about struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Setting string `json:"setting"`
	Durable string `json:"durable"`
	rival   bool
}

// figure is one peer with one number of writers.
type figure struct {
	Peer    string `json:"peer"`
	Writers int    `json:"writers"`
	Turns   []turn `json:"turns"`
	// How many times faster Sashlock is; nil for Sashlock itself, or without it.
	Append *ratio `json:"sashlock_times,omitempty"`
	Report *ratio `json:"sashlock_report_times,omitempty"`
}

// ratio is over the rounds; each is taken within one.
type ratio struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func newResult(s settings, body int) *result {
	r := &result{At: time.Now().UTC(), Machine: machine(), Rounds: s.rounds, Length: s.length.String(), Body: body}
	for _, p := range s.peers {
		r.Peers = append(r.Peers, about{p.name, version(p.name), p.setting, p.durable, p.rival})
	}
	for _, writers := range s.writers {
		for _, p := range s.peers {
			r.Rows = append(r.Rows, &figure{Peer: p.name, Writers: writers})
		}
	}
	return r
}

// add keeps a turn and brings the ratios up to date.
func (r *result) add(peer string, writers int, t turn) {
	f := r.figure(peer, writers)
	f.Turns = append(f.Turns, t)
	for _, f := range r.Rows {
		if f.Writers == writers && f.Peer != ours && f.Peer != oursReport {
			f.Append, f.Report = r.figure(ours, writers).times(f), r.figure(oursReport, writers).times(f)
		}
	}
}

// figure finds a row; nil if there is none.
func (r *result) figure(peer string, writers int) *figure {
	i := slices.IndexFunc(r.Rows, func(f *figure) bool { return f.Peer == peer && f.Writers == writers })
	if i < 0 {
		return nil
	}
	return r.Rows[i]
}

// times says how many times faster f is than other, round by round.
func (f *figure) times(other *figure) *ratio {
	if f == nil || len(f.Turns) == 0 || len(other.Turns) == 0 {
		return nil
	}
	var all []float64
	for i := range min(len(f.Turns), len(other.Turns)) {
		all = append(all, f.Turns[i].Rate/other.Turns[i].Rate)
	}
	low, middle, high := spread(all)
	return &ratio{middle, low, high}
}

// spread returns the least, the median and the greatest of some values. The
// values are sorted by it.
func spread[T cmp.Ordered](all []T) (low, middle, high T) {
	slices.Sort(all)
	return all[0], all[len(all)/2], all[len(all)-1]
}

// over returns the spread of one value of a row's turns.
func over[T cmp.Ordered](f *figure, value func(turn) T) (low, middle, high T) {
	var all []T
	for _, t := range f.Turns {
		all = append(all, value(t))
	}
	return spread(all)
}

// print writes the settings and the table, in Markdown.
func (r *result) print(out io.Writer) error {
	var syncs []time.Duration
	for _, f := range r.Rows {
		for _, t := range f.Turns {
			syncs = append(syncs, t.Sync)
		}
	}
	low, middle, high := spread(syncs)
	fmt.Fprintf(out, "%s\n%s, %s\n%d rounds of %s, body of %d bytes; a bare 512-byte write and fsync: %s ms (%s to %s)\n\n",
		r.Command, r.At.Format(time.RFC3339), r.Machine, r.Rounds, r.Length, r.Body, milliseconds(middle), milliseconds(low), milliseconds(high))
	for _, p := range r.Peers {
		fmt.Fprintf(out, "- %s (%s): %s. Durable when the call returns: %s.\n", p.Name, p.Version, p.Setting, p.Durable)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	line := func(cells ...string) { fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	line("writers", "peer", "entries/s", "min", "max", "p50 ms", "p99 ms", "B/entry", "close s", "sashlock is", "sashlock-report is", fmt.Sprintf("at least %d times", goal))
	line(strings.Split(strings.Repeat("---,", 11)+"---", ",")...)
	for _, f := range r.Rows {
		line(r.cells(f)...)
	}
	return w.Flush()
}

// cells are what the table says about a row.
func (r *result) cells(f *figure) []string {
	low, middle, high := over(f, func(t turn) float64 { return t.Rate })
	_, p50, _ := over(f, func(t turn) time.Duration { return t.P50 })
	_, p99, _ := over(f, func(t turn) time.Duration { return t.P99 })
	_, bytes, _ := over(f, func(t turn) float64 { return t.Bytes })
	_, closing, _ := over(f, func(t turn) time.Duration { return t.Close })
	verdict := ""
	rival := slices.ContainsFunc(r.Peers, func(p about) bool { return p.Name == f.Peer && p.rival })
	if rival && f.Append != nil {
		verdict = map[bool]string{true: "yes", false: "no"}[f.Append.Median >= goal]
	}
	return []string{
		fmt.Sprint(f.Writers), f.Peer,
		fmt.Sprintf("%.0f", middle), fmt.Sprintf("%.0f", low), fmt.Sprintf("%.0f", high),
		milliseconds(p50), milliseconds(p99), fmt.Sprintf("%.0f", bytes), fmt.Sprintf("%.2f", closing.Seconds()),
		f.Append.String(), f.Report.String(), verdict,
	}
}

// String is empty without a ratio.
func (r *ratio) String() string {
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%.2fx (%.2f to %.2f)", r.Median, r.Min, r.Max)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.3g", float64(d)/float64(time.Millisecond))
}

// version is that of the module a peer comes from, as this program was built.
func version(name string) string {
	module := map[string]string{"sqlite": "modernc.org/sqlite", "immudb": "github.com/codenotary/immudb", "tessera": "github.com/transparency-dev/tessera"}
	family, _, _ := strings.Cut(name, "-")
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, d := range info.Deps {
			if d.Path == module[family] {
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
