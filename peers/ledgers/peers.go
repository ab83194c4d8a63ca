// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// ledger is an open peer.
type ledger interface {
	// append adds the entry with a number, counted from 1, and returns when
	// that entry is durable. It may keep body.
	append(n int64, body []byte) error
	// size returns how many entries there are.
	size() (int64, error)
	close() error
}

// peer is something to measure.
type peer struct {
	name    string
	setting string // what is not the peer's default
	durable string // what is on disk when append returns
	rival   bool   // the goal of three times counts
	open    func(dir string, writers int) (ledger, error)
}

// The two peers that the others are compared with.
const (
	ours       = "sashlock"
	oursReport = "sashlock-report"
)

// peers are all there are, in the order of the table.
var peers = []peer{
	{
		name: ours, setting: "defaults: SQLite, WAL, synchronous=FULL, up to 512 jobs a commit",
		durable: "the event, its Merkle hashes and a signed checkpoint that covers it, which the caller gets",
		open:    openSashlock(appendJob),
	},
	{
		name: oursReport, setting: "as sashlock",
		durable: "the same, and the state of the opening that the event is about",
		open:    openSashlock(reportJob),
	},
	{
		name: "sqlite", setting: "same driver, WAL, synchronous=FULL, one row an entry, up to 512 rows a transaction",
		durable: "the row; no hash, no signature",
		open:    openSQLite,
	},
	immudb("immudb-1ms", time.Millisecond, false),
	immudb("immudb-20ms", 20*time.Millisecond, false),
	immudb("immudb-tuned", 0, true),
	tesseraDurable("tessera", 64),
	tesseraDurable("tessera-256", 256),
	tesseraPublished,
}
