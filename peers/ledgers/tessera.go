// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"k8s.io/klog/v2"
)

// tesseraDurable is Tessera's POSIX driver whose callers wait until their entry
// is integrated, which there includes being synced.
func tesseraDurable(name string, batch uint) peer {
	return peer{
		name: name, rival: true,
		setting: fmt.Sprintf("POSIX driver, batch %d / 1 ms, a checkpoint a second", batch),
		durable: "the entry, its hashes and the tree's state; no checkpoint yet",
		open: func(dir string, _ int) (ledger, error) {
			return openTessera(dir, batch, time.Second, false)
		},
	}
}

// tesseraPublished is the same whose callers wait for a signed checkpoint.
var tesseraPublished = peer{
	name: "tessera-published", rival: true,
	setting: "POSIX driver, batch 64 / 1 ms, a checkpoint every 100 ms, the shortest it allows, looked for every 1 ms",
	durable: "the entry, its hashes and a signed checkpoint that covers it, which the caller gets",
	open: func(dir string, _ int) (ledger, error) {
		return openTessera(dir, 64, 100*time.Millisecond, true)
	},
}

type tesseraLedger struct {
	appender *tessera.Appender
	reader   tessera.LogReader
	awaiter  *tessera.PublicationAwaiter // nil: an entry need not be published
	shutdown func(context.Context) error
	ctx      context.Context // of its goroutines
	cancel   func()
}

func openTessera(dir string, batch uint, checkpoint time.Duration, published bool) (ledger, error) {
	signer, err := newSigner()
	if err != nil {
		return nil, err
	}
	klog.LogToStderr(false) // Tessera's log: errors still go to standard error
	klog.SetOutput(io.Discard)
	l := &tesseraLedger{}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	driver, err := posix.New(l.ctx, posix.Config{Path: filepath.Join(dir, "tessera")})
	if err != nil {
		l.cancel()
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(checkpoint).
		WithBatching(batch, time.Millisecond)
	if l.appender, l.shutdown, l.reader, err = tessera.NewAppender(l.ctx, driver, options); err != nil {
		l.cancel()
		return nil, err
	}
	if published {
		l.awaiter = tessera.NewPublicationAwaiter(l.ctx, l.reader.ReadCheckpoint, time.Millisecond)
	}
	return l, nil
}

func (l *tesseraLedger) append(_ int64, body []byte) error {
	future := l.appender.Add(l.ctx, tessera.NewEntry(body))
	if l.awaiter == nil {
		_, err := future()
		return err
	}
	_, _, err := l.awaiter.Await(l.ctx, future)
	return err
}

func (l *tesseraLedger) size() (int64, error) {
	n, err := l.reader.IntegratedSize(l.ctx)
	return int64(n), err
}

func (l *tesseraLedger) close() error {
	defer l.cancel()
	return l.shutdown(l.ctx)
}
