// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/codenotary/immudb/embedded/logger"
	immustore "github.com/codenotary/immudb/embedded/store"
)

// immudb is the embedded store of immudb with a sync frequency, which is how
// long it waits for more transactions before it syncs. Tuned, it keeps the
// values in the transaction log, which saves it a file to sync, and takes the
// space of its files beforehand, which makes a sync cheaper.
func immudb(name string, every time.Duration, tuned bool) peer {
	setting := fmt.Sprintf("embedded/store, synced, sync frequency %v, one transaction an entry", every)
	if tuned {
		setting += ", values in the log, files preallocated (they count under B/entry): the fastest of the settings we tried"
	}
	return peer{
		name: name, setting: setting, rival: true,
		durable: "the transaction and its hashes; not awaited: its index. No signature",
		open: func(dir string, writers int) (ledger, error) {
			o := immustore.DefaultOptions().
				WithSynced(true).
				WithSyncFrequency(every).
				WithEmbeddedValues(tuned).
				WithPreallocFiles(tuned).
				// By default it refuses the 31st writer. Room for fewer
				// entries a transaction keeps the memory of so many small.
				WithMaxConcurrency(max(immustore.DefaultMaxConcurrency, writers)).
				WithMaxActiveTransactions(max(immustore.DefaultMaxActiveTransactions, 2*writers)).
				WithMaxTxEntries(16).
				WithLogger(logger.NewSimpleLoggerWithLevel("immudb", os.Stderr, logger.LogError))
			s, err := immustore.Open(filepath.Join(dir, "immudb"), o)
			return immudbLedger{s}, err
		},
	}
}

type immudbLedger struct{ store *immustore.ImmuStore }

// append uses AsyncCommit, which in spite of its name returns when the
// transaction is synced. Commit would wait for the index as well.
func (l immudbLedger) append(n int64, body []byte) error {
	ctx := context.Background()
	tx, err := l.store.NewWriteOnlyTx(ctx)
	if err != nil {
		return err
	}
	if err := tx.Set(binary.BigEndian.AppendUint64(nil, uint64(n)), nil, body); err != nil {
		return err
	}
	_, err = tx.AsyncCommit(ctx)
	return err
}

func (l immudbLedger) size() (int64, error) { return int64(l.store.LastCommittedTxID()), nil }
func (l immudbLedger) close() error         { return l.store.Close() }
