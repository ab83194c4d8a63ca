// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/store"
)

type doctorCommand struct {
	Offline bool `help:"Do not expect a store node to be running."`
	Quick   bool `help:"Leave out the comparison of the tables with the ledger, which reads all of it."`
}

// Help explains the command.
func (c *doctorCommand) Help() string {
	return `Looks at a data folder and at the store node that runs on it. Each line says what is right or wrong, and what to do. It changes nothing; to measure the brokers of gateways it publishes a few messages that nobody hears, unless --offline.

Exit status: 0 all is well, 1 something needs mending.

Examples:

    sashlock doctor --data /var/lib/sashlock
    sashlock doctor --data store-12 --offline -o json`
}

// finding is one line of the doctor's report.
type finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Found string `json:"found"`
	Fix   string `json:"fix,omitempty"`
}

// examination gathers findings.
type examination struct {
	desk     *desk
	data     string
	postgres bool // where the database is
	findings []finding
}

func (x *examination) good(check, format string, args ...any) {
	x.findings = append(x.findings, finding{Check: check, OK: true, Found: fmt.Sprintf(format, args...)})
}

func (x *examination) bad(check, fix, format string, args ...any) {
	x.findings = append(x.findings, finding{Check: check, Found: fmt.Sprintf(format, args...), Fix: fix})
}

// Run carries out the command.
func (c *doctorCommand) Run(d *desk) error {
	data, err := d.dataFolder()
	if err != nil {
		return err
	}
	if _, err := os.Stat(data); err != nil {
		return badFlag("--data", "there is no such folder: sashlock init --data "+data+" makes it")
	}
	x := &examination{desk: d, data: data}
	if !x.mayLook() {
		return x.show()
	}
	x.keys()
	x.files()
	configured := x.config()
	x.disk()
	x.certificates()
	if configured {
		if err := x.store(c.Quick, c.Offline); err != nil {
			return err
		}
	}
	x.server(c.Offline)
	return x.show()
}

// store looks at what is stored.
func (x *examination) store(quick, offline bool) error {
	s := x.database()
	if !offline {
		x.brokers(s)
	}
	if s == nil {
		return nil
	}
	x.ledger(s)
	x.clock(s)
	if !quick {
		x.tables(s)
	}
	return s.Close()
}

func (x *examination) show() error {
	s := sheet{head: []string{"", "CHECK", "FOUND"}, data: x.findings}
	well := true
	for _, f := range x.findings {
		text := f.Found
		if f.Fix != "" {
			text += " → " + f.Fix
		}
		s.row(mark(f.OK), f.Check, text)
		if !f.OK {
			s.names = append(s.names, f.Check)
		}
		well = well && f.OK
	}
	if err := x.desk.show(s); err != nil {
		return err
	}
	if !well {
		return status(exitNo)
	}
	return nil
}

// enoughDisk is how much has to be free before a store gets into trouble.
const enoughDisk = 512 << 20

func (x *examination) disk() {
	free, known := freeDisk(x.data)
	switch {
	case !known:
		x.good("disk", "free space cannot be told on this system")
	case free < enoughDisk:
		x.bad("disk", "free some space: when it is full nothing can be recorded", "%d MiB free", free>>20)
	default:
		x.good("disk", "%d MiB free", free>>20)
	}
}

// database opens the store for reading; nil when that is not possible.
func (x *examination) database() *store.Store {
	s, err := openForReading(x.desk.ctx, x.data)
	switch {
	case isDamage(err):
		x.bad("database", "sashlock verify --data "+x.data+" says where; restore a backup", "%v", err)
	case err != nil && x.postgres:
		x.bad("database", "start PostgreSQL, or correct database in config.yaml; a store node that is running carries on by itself", "%v", wordOf(err))
	case sashlock.IsKind(err, sashlock.Invalid):
		x.bad("database", "sashlock serve --data "+x.data, "there is none in this folder yet")
	case err != nil:
		x.bad("database", "free the disk if it is full, and see that it can be read; if it can, restore a backup", "%v", wordOf(err))
	default:
		x.good("database", "opens, and its schema is known")
	}
	return s
}

// lastEntries is how many entries at the end of the ledger are checked.
const lastEntries = 200

// ledger checks the newest checkpoint and the newest entries. The whole of it
// is for sashlock verify.
func (x *examination) ledger(s *store.Store) {
	fix := "sashlock verify --data " + x.data + " says where; restore a backup"
	size, err := x.ledgerEnd(s)
	var other *otherLedger
	if errors.As(err, &other) {
		x.bad("ledger", "restore the keys folder that belongs to this database, or correct database in config.yaml", "%v", err)
		return
	}
	if err != nil {
		x.bad("ledger", fix, "%v", err)
		return
	}
	x.good("ledger", "%s; its end is signed and right (all of it: sashlock verify)", count(int(size), "entry", "entries"))
}

func (x *examination) ledgerEnd(s *store.Store) (int64, error) {
	ctx := x.desk.ctx
	text, err := os.ReadFile(filepath.Join(x.data, "keys", "ledger.pub"))
	if err != nil {
		return 0, err
	}
	key, err := proof.ParseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, err
	}
	signed, size, err := s.Checkpoint(ctx)
	if err != nil || size == 0 {
		return size, err
	}
	if err := ofThisLedger(signed, []proof.Key{key}); err != nil {
		return size, err
	}
	c, err := proof.OpenCheckpoint(signed, key)
	if err != nil {
		return size, err
	}
	root, err := tlog.TreeHash(c.Size, s.HashReader(ctx))
	if err != nil {
		return size, err
	}
	if root != c.Root {
		return size, fmt.Errorf("the stored hashes do not give the signed root at size %d", c.Size)
	}
	for seq := max(0, size-lastEntries); seq < size; seq++ {
		if err := checkEntry(ctx, s, seq); err != nil {
			return size, err
		}
	}
	return size, nil
}

// checkEntry holds an entry against its commitment and its place in the tree.
func checkEntry(ctx context.Context, s *store.Store, seq int64) error {
	e, err := s.Entry(ctx, seq)
	if err != nil {
		return err
	}
	leaf, err := s.ReadHashes(ctx, []int64{tlog.StoredHashIndex(0, seq)})
	if err != nil {
		return err
	}
	wrong := e.Commitment.Leaf() != leaf[0]
	if e.Body != nil && len(e.Salt) == proof.SaltSize {
		wrong = wrong || proof.Commit([proof.SaltSize]byte(e.Salt), e.Body) != e.Commitment
	}
	if wrong {
		return fmt.Errorf("entry %d was altered", seq)
	}
	return nil
}

// clock compares this machine's clock with the newest entry.
func (x *examination) clock(s *store.Store) {
	last, err := s.Events(x.desk.ctx, store.EventQuery{Newest: true, Limit: 1})
	now := x.desk.now()
	switch {
	case err != nil:
		x.bad("clock", "run sashlock verify", "%v", err)
	case len(last) == 0:
		x.good("clock", "nothing recorded yet to compare it with")
	case last[0].Heard.After(now.Add(time.Minute)):
		x.bad("clock", "set the clock, by NTP: new entries get the time of the newest until it has caught up",
			"the newest entry is %s ahead of this machine's clock", last[0].Heard.Sub(now).Round(time.Second))
	default:
		x.good("clock", "the newest entry is %s old", now.Sub(last[0].Heard).Round(time.Second))
	}
}

// server asks the store node itself.
func (x *examination) server(offline bool) {
	c, path, err := readConnection(x.data)
	if err != nil {
		x.absent(offline, "no store node was started on this folder")
		return
	}
	client, err := newClient(c.URL, "") // its health needs no token, and checking one needs the database
	if err != nil {
		x.bad("store node", "start it again: "+path+" is damaged", "%v", err)
		return
	}
	h, err := health(x.desk.ctx, client)
	if err != nil {
		x.absent(offline, "it cannot be reached at "+c.URL)
		return
	}
	if h.OK {
		x.good("store node", "healthy at %s, version %s", c.URL, h.Version)
	} else {
		x.bad("store node", x.recordAgain(), "it cannot record anything since %s: %s", h.Ledger.Since.Format(time.RFC3339), h.Ledger.Why)
	}
	if h.Ledger.Journal > 0 {
		x.bad("journal", "make the database writable: it is copied there by itself", "%d bytes wait in the emergency journal", h.Ledger.Journal)
	} else {
		x.good("journal", "empty")
	}
	for _, g := range h.Gateways {
		if g.Up {
			x.good("gateway "+g.Name, "up since %s", g.Since.Format(time.RFC3339))
		} else {
			x.bad("gateway "+g.Name, "see that it runs and that its address in config.yaml is right", "down: %s", g.Why)
		}
	}
	if x.desk.now().After(c.Expires) {
		x.bad("token", "start the store node again", "the token in %s expired", path)
	}
}

// recordAgain is what to do about a store node that cannot record.
func (x *examination) recordAgain() string {
	if x.postgres {
		return "start PostgreSQL or free its disk: the store node carries on by itself"
	}
	return "free the disk: the store node carries on by itself"
}

// absent notes that no store node runs, and looks at the journal without it.
func (x *examination) absent(offline bool, text string) {
	if offline {
		x.good("store node", "not running")
	} else {
		x.bad("store node", "sashlock serve --data "+x.data, "%s", text)
	}
	waiting, err := journalWaits(filepath.Join(x.data, "emergency.journal"))
	switch {
	case err != nil:
		x.bad("journal", "let its owner run the doctor", "%v", err)
	case waiting:
		x.bad("journal", "start the store node: it copies them into the database", "reports wait in the emergency journal")
	default:
		x.good("journal", "empty")
	}
}

// health asks a store node how it is. A node that cannot record says so with a
// 503, which is an answer too.
func health(ctx context.Context, c *client) (api.Health, error) {
	h, err := get[api.Health](ctx, c, "/healthz", nil)
	var odd *oddAnswer
	if errors.As(err, &odd) && json.Unmarshal(odd.body, &h) == nil && h.Version != "" {
		return h, nil
	}
	return h, err
}

// tables compares how openings stand in the tables with what their events in
// the ledger amount to.
func (x *examination) tables(s *store.Store) {
	wrong, openings, err := compareTables(x.desk.ctx, s)
	if err == nil && len(wrong) > 0 {
		wrong, openings, err = compareTables(x.desk.ctx, s) // something may have happened in between
	}
	switch {
	case err != nil:
		x.bad("tables", "run sashlock verify", "%v", err)
	case len(wrong) > 0:
		x.bad("tables", "read the devices again by restarting the store node; if it stays, restore a backup", "%d of %d openings are otherwise than the ledger says: %s", len(wrong), openings, firstFew(wrong))
	default:
		x.good("tables", "%s as the ledger says", count(openings, "opening stands", "openings stand"))
	}
}

func firstFew(ids []sashlock.OpeningID) string {
	const few = 5
	text := ""
	for i, id := range ids {
		if i == few {
			return text + " …"
		}
		text += " " + string(id)
	}
	return text
}

// isDamage reports whether a store would not open because the end of its ledger
// is not what was sealed.
func isDamage(err error) bool {
	var e *sashlock.Error
	return errors.As(err, &e) && e.Kind == sashlock.Internal && strings.HasPrefix(e.Op, "checking the ledger")
}
