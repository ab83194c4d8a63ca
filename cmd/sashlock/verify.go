// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/store"
)

type verifyCommand struct {
	Checkpoint    string   `placeholder:"FILE" help:"An older signed checkpoint, kept elsewhere: also check that the ledger only grew since."`
	Save          string   `placeholder:"FILE" help:"Write the newest signed checkpoint to a file, to be kept elsewhere; only when nothing is wrong."`
	Key           []string `placeholder:"VKEY" help:"Verifier key to trust, or @FILE; may be repeated. DIR/keys/ledger.pub when not given."`
	AllSignatures bool     `help:"Check the signature of every checkpoint instead of every 1,024th."`
	MaxProblems   int      `default:"100" help:"How many problems to list; all are counted."`
}

// Help explains the command.
func (c *verifyCommand) Help() string {
	return `Recomputes the whole ledger from the database: every entry against its commitment, every commitment against its stored hash, every hash against the roots, every root against its signed checkpoint. A flipped bit is named by sequence number. A store node may be running meanwhile.

It cannot see that the whole database was replaced by an older copy, or key and all by another: compare the checkpoint with one that was kept elsewhere (--checkpoint).

Exit status: 0 right, 1 something is wrong, above 1 it could not be checked.

Examples:

    sashlock verify --data /var/lib/sashlock
    sashlock verify --data store-12 --save kept/checkpoint-2026-01.txt
    sashlock verify --data store-12 --checkpoint kept/checkpoint-2026-01.txt
    sashlock verify --data store-12 --key sashlock.example/store-12+0123abcd+A… -o json`
}

// verified is what was found out.
type verified struct {
	OK         bool           `json:"ok"`
	Size       int64          `json:"size"`
	Root       string         `json:"root,omitempty"`
	Origin     string         `json:"origin,omitempty"`
	Entries    int64          `json:"entries"`
	Erased     int64          `json:"erased"`
	Seals      int64          `json:"seals"`
	Signatures int64          `json:"signatures"`
	Seconds    float64        `json:"seconds"`
	PerSecond  float64        `json:"entries_per_second"`
	Found      int64          `json:"problems_found"`
	Problems   []wrongEntry   `json:"problems"`
	GrownFrom  *grownFrom     `json:"grown_from,omitempty"`
	Checkpoint string         `json:"checkpoint,omitempty"`
	Stranger   string         `json:"other_ledger,omitempty"` // why none of the keys can fit
	report     proof.Problems // as found, for people
}

// wrongEntry is one problem.
type wrongEntry struct {
	First int64      `json:"first"` // -1: the ledger as a whole
	Last  int64      `json:"last"`
	Kind  proof.Kind `json:"kind"`
	Text  string     `json:"text"`
}

// grownFrom is an older checkpoint that the ledger continues, or not.
type grownFrom struct {
	Size int64  `json:"size"`
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"`
}

// Run carries out the command.
func (c *verifyCommand) Run(d *desk) error {
	data, err := d.dataFolder()
	if err != nil {
		return err
	}
	keys, err := c.keys(data)
	if err != nil {
		return err
	}
	older, err := c.older(keys)
	if err != nil {
		return err
	}
	s, err := openDamaged(d.ctx, data)
	if err != nil {
		return err
	}
	v, err := c.verify(d, s, keys, older)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if err := v.show(d); err != nil {
		return err
	}
	if !v.OK {
		return status(exitNo)
	}
	if c.Save == "" {
		return nil
	}
	if err := os.WriteFile(c.Save, []byte(v.Checkpoint), 0o644); err != nil { //nolint:gosec // a checkpoint is public
		return badFlag("--save", "the file cannot be written: "+err.Error())
	}
	return nil
}

// keys returns the keys to trust.
func (c *verifyCommand) keys(data string) ([]proof.Key, error) {
	texts := c.Key
	if len(texts) == 0 {
		texts = []string{"@" + filepath.Join(data, "keys", "ledger.pub")}
	}
	var keys []proof.Key
	for _, text := range texts {
		if path, isFile := strings.CutPrefix(text, "@"); isFile {
			file, err := os.ReadFile(path)
			if err != nil {
				return nil, badFlag("--key", "the verifier key cannot be read, name it with --key: "+err.Error())
			}
			text = strings.TrimSpace(string(file))
		}
		key, err := proof.ParseKey(text)
		if err != nil {
			return nil, badFlag("--key", err.Error())
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// older reads the checkpoint that was kept elsewhere.
func (c *verifyCommand) older(keys []proof.Key) (*proof.Checkpoint, error) {
	if c.Checkpoint == "" {
		return nil, nil
	}
	f, err := os.Open(c.Checkpoint)
	if err != nil {
		return nil, badFlag("--checkpoint", "the file cannot be read: "+err.Error())
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, proof.MaxCheckpointBytes+1))
	if err != nil {
		return nil, badFlag("--checkpoint", "the file cannot be read: "+err.Error())
	}
	for _, k := range keys {
		var checkpoint proof.Checkpoint
		if checkpoint, err = proof.OpenCheckpoint(string(text), k); err == nil {
			return &checkpoint, nil
		}
	}
	return nil, badFlag("--checkpoint", err.Error())
}

// openForReading opens the store of a data folder beside whoever writes it.
func openForReading(ctx context.Context, data string) (*store.Store, error) {
	return openStore(ctx, data, store.Options{ReadOnly: true})
}

// openDamaged opens it whatever its ledger looks like, to find out.
func openDamaged(ctx context.Context, data string) (*store.Store, error) {
	return openStore(ctx, data, store.Options{ReadOnly: true, Damaged: true})
}

func openStore(ctx context.Context, data string, opts store.Options) (*store.Store, error) {
	config, err := app.ReadConfig(data)
	if err != nil {
		return nil, err
	}
	if config.Database == "" {
		if _, err := os.Stat(filepath.Join(data, "store.db")); err != nil {
			return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "opening the store", Subject: data, Hint: "there is no database in this folder yet: run sashlock serve --data " + data + " first"}
		}
	}
	opts.URL = config.DatabaseURL()
	return store.Open(ctx, opts)
}

// verify checks everything. Problems that were found by samples are looked for
// again with every signature, which tells more about where they begin.
func (c *verifyCommand) verify(d *desk, s *store.Store, keys []proof.Key, older *proof.Checkpoint) (verified, error) {
	began := d.now()
	check := proof.LedgerCheck{Keys: keys, AllSignatures: c.AllSignatures, MaxProblems: c.MaxProblems, Now: d.now}
	report, err := verifyOnce(d, s, check)
	if len(report.Problems) > 0 && !c.AllSignatures {
		d.note("something is wrong; checking again with every signature")
		check.AllSignatures = true
		report, err = verifyOnce(d, s, check)
	}
	var wrong proof.Problems
	if err != nil && !errors.As(err, &wrong) {
		return verified{}, &sashlock.Error{Kind: sashlock.Unavailable, Op: "verifying", Hint: "the database cannot be read to its end", Err: err}
	}
	v := verified{
		OK: len(report.Problems) == 0, Size: report.Checkpoint.Size, Origin: report.Checkpoint.Origin,
		Entries: report.Entries, Erased: report.Erased, Seals: report.Seals, Signatures: report.Signatures,
		Found: report.Found, Problems: []wrongEntry{}, report: report.Problems, Seconds: d.now().Sub(began).Seconds(),
	}
	if v.Size > 0 {
		v.Root = report.Checkpoint.Root.String()
	}
	if v.Seconds > 0 {
		v.PerSecond = float64(v.Entries) / v.Seconds
	}
	for _, p := range report.Problems {
		v.Problems = append(v.Problems, wrongEntry{p.Seq, p.Last, p.Kind, p.Text})
	}
	if v.Checkpoint, _, err = s.Checkpoint(d.ctx); err != nil {
		return v, err
	}
	if err := ofThisLedger(v.Checkpoint, keys); v.Checkpoint != "" && err != nil {
		v.OK, v.Stranger = false, err.Error()
	}
	if older != nil {
		v.GrownFrom = grown(d.ctx, s, v.Size, *older)
		v.OK = v.OK && v.GrownFrom.OK
	}
	return v, nil
}

// otherLedger says that a database holds another ledger than the keys are for.
type otherLedger struct {
	held string
	keys []string
}

// Error names both.
func (e *otherLedger) Error() string {
	return fmt.Sprintf("the database holds the ledger of %s, and the keys are those of %s", e.held, strings.Join(e.keys, ", "))
}

// ofThisLedger returns an error of type *otherLedger when a checkpoint is that
// of a ledger which none of the keys are for.
func ofThisLedger(checkpoint string, keys []proof.Key) error {
	e := &otherLedger{}
	e.held, _, _ = strings.Cut(checkpoint, "\n")
	for _, k := range keys {
		if k.Name() == e.held {
			return nil
		}
		e.keys = append(e.keys, k.Name())
	}
	return e
}

// grown checks that the ledger begins with what an older checkpoint covers.
func grown(ctx context.Context, s *store.Store, size int64, older proof.Checkpoint) *grownFrom {
	g := &grownFrom{Size: older.Size}
	if older.Size > size {
		g.Why = fmt.Sprintf("the ledger is shorter than the checkpoint kept: %d entries are gone, or it is an old copy", older.Size-size)
		return g
	}
	root, err := tlog.TreeHash(older.Size, s.HashReader(ctx))
	switch {
	case err != nil:
		g.Why = "its hashes cannot be read: " + err.Error()
	case root != older.Root:
		g.Why = "the ledger does not begin with what this checkpoint covers: it was rewritten, or is another ledger"
	default:
		g.OK = true
	}
	return g
}

// verifyOnce goes through the ledger as it stands now, however much a store
// node that is running adds meanwhile.
func verifyOnce(d *desk, s *store.Store, check proof.LedgerCheck) (proof.LedgerReport, error) {
	_, size, err := s.Checkpoint(d.ctx)
	if err != nil {
		return proof.LedgerReport{}, err
	}
	check.Total = size
	check.Progress = func(p proof.Progress) {
		d.progress("%d of %d entries, %.0f a second", p.Done, p.Total, p.PerSecond)
	}
	defer d.progress("")
	return proof.VerifyLedger(s.RowsUpTo(d.ctx, size), s.SealsUpTo(d.ctx, size), check)
}

// show prints what was found out.
func (v verified) show(d *desk) error {
	s := sheet{data: v}
	if v.Stranger != "" { // every seal is wrong, for one reason
		s.row(markNo, "wrong", v.Stranger+": restore the keys folder that belongs to it, or name its key with --key")
		s.names = append(s.names, v.Stranger)
		return d.show(s)
	}
	for _, p := range v.report {
		s.row(markNo, "wrong", p.String())
		s.names = append(s.names, p.String())
	}
	if more := v.Found - int64(len(v.report)); more > 0 {
		s.row(markNo, "wrong", fmt.Sprintf("and %d more; list them with --max-problems", more))
	}
	if v.Size > 0 {
		s.row(mark(v.Found == 0), "entries", fmt.Sprintf("%d, %d of them erased, in %s; %s checked", v.Entries, v.Erased, count(int(v.Seals), "commit", "commits"), count(int(v.Signatures), "signature", "signatures")))
		s.row("", "ledger", v.Origin)
		s.row("", "size", fmt.Sprint(v.Size))
		s.row("", "root", v.Root)
	} else if v.Found == 0 {
		s.row(markYes, "entries", "none yet")
	}
	if g := v.GrownFrom; g != nil {
		text := fmt.Sprintf("it continues the checkpoint of size %d", g.Size)
		if !g.OK {
			text = g.Why
		}
		s.row(mark(g.OK), "growth", text)
	}
	if v.Seconds > 0 {
		s.row("", "time", fmt.Sprintf("%s, %.0f entries a second", time.Duration(v.Seconds*float64(time.Second)).Round(time.Millisecond), v.PerSecond))
	}
	if v.GrownFrom == nil && v.OK {
		s.row("", "compare", "size and root with a checkpoint kept elsewhere: --save FILE writes one, --checkpoint FILE compares")
	}
	return d.show(s)
}
