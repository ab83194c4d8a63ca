// SPDX-License-Identifier: Apache-2.0

package walk

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/api"
	"github.com/sashlock/sashlock/internal/app"
	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/estate"
	ledger "github.com/sashlock/sashlock/internal/store"
)

// BenchmarkFirstPaint measures how soon a page shows something on a slow line
// and a slow machine: 1.6 Mbit/s, 80 ms there and back, a processor at a
// quarter of its speed, nothing kept from before.
func BenchmarkFirstPaint(b *testing.B) {
	s := open(b, 1)
	for _, page := range []string{"/", "/alarms", "/activity", "/access", "/proof"} {
		b.Run(page, func(b *testing.B) {
			browser := browsertest.Open(b, s.url)
			for _, limit := range []func() error{
				func() error {
					_, err := chromedp.Call(browser.Ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{{Latency: 80, DownloadThroughput: 200_000, UploadThroughput: 100_000}}})
					return err
				},
				func() error {
					_, err := chromedp.Call(browser.Ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
					return err
				},
				func() error {
					_, err := chromedp.Call(browser.Ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: 4})
					return err
				},
			} {
				if err := limit(); err != nil {
					b.Fatal(err)
				}
			}
			var all []float64
			for b.Loop() {
				browser.Go(page)
				browser.Until(`performance.getEntriesByName("first-contentful-paint").length > 0`)
				all = append(all, browsertest.Eval[float64](browser, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
			}
			slices.Sort(all)
			b.ReportMetric(all[len(all)/2], "ms/paint-median")
			b.ReportMetric(all[len(all)-1], "ms/paint-worst")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// The store of BenchmarkPages.
const (
	manyOpenings = 300
	manyEvents   = 1_000_000
	vastAge      = 90 * 24 * time.Hour
)

// busy is the time this process has spent on processors.
func busy(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPages measures how long the server takes for a page in a store with
// 300 openings and a million events in 90 days: the first look at it, the median
// and the slowest, and what one costs in time on processors, which says the same
// on a machine that has other work as well.
func BenchmarkPages(b *testing.B) {
	url := vast(b)
	for _, page := range []string{
		"/", "/?view=list", "/?view=wall", "/openings/case-7", "/alarms", "/activity", "/activity?q=result:denied", "/activity?q=opening:case-7", "/activity?q=person:p-3+kind:access.denied",
		"/access", "/people", "/people/p-3", "/devices", "/proof", "/proof/entries/500000", "/what-if", "/reports", "/reports/review", "/developers/events", "/settings",
	} {
		b.Run(page, func(b *testing.B) {
			var all []time.Duration
			began := busy(b)
			for b.Loop() {
				start := time.Now()
				answer, err := http.Get(url + page)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if err != nil || answer.StatusCode != http.StatusOK || n == 0 {
					b.Fatalf("%d, %v", answer.StatusCode, err)
				}
				all = append(all, time.Since(start))
			}
			b.ReportMetric(float64((busy(b)-began).Microseconds())/1000/float64(len(all)), "cpu-ms/page")
			b.ReportMetric(float64(all[0].Microseconds())/1000, "ms/page-first")
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms/page-median")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms/page-p99")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// vast builds the store and answers for it.
func vast(b *testing.B) string {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	data := b.TempDir()
	_, err := app.Init(data)
	must(err)
	var past atomic.Int64 // how long ago it is in the store, while its history is made
	past.Store(int64(vastAge))
	house, err := app.NewWithClock(b.Context(), app.Config{Data: data, JournalSize: 1 << 20}, slog.New(slog.DiscardHandler), func() time.Time {
		return time.Now().Add(-time.Duration(past.Load()))
	})
	must(err)
	must(house.Start(b.Context()))
	f := estate.File{Sites: []estate.Site{{Slug: "vast", Name: "Vast store", Zone: "Europe/Lisbon"}}, Roles: []estate.Role{{Slug: "staff", Name: "Staff"}}}
	for i := range 10 {
		f.Areas = append(f.Areas, estate.Area{Slug: fmt.Sprintf("area-%d", i), Name: fmt.Sprintf("Area %d", i), Site: "vast"})
		f.Grants = append(f.Grants, estate.Grant{Slug: fmt.Sprintf("staff-%d", i), Role: "staff", Area: fmt.Sprintf("vast/area-%d", i)})
	}
	for i := range manyOpenings {
		f.Openings = append(f.Openings, estate.Opening{Slug: fmt.Sprintf("case-%d", i), Name: fmt.Sprintf("Case %d", i), Kind: "case", Site: "vast", Area: fmt.Sprintf("area-%d", i%10), Plan: []int{20 + i%30*32, 40 + i/30*92}})
	}
	for i := range 100 {
		f.People = append(f.People, estate.Person{Slug: fmt.Sprintf("p-%d", i), Name: fmt.Sprintf("Person %d", i), Roles: []string{"staff"}})
	}
	_, err = house.Hall.Change(b.Context(), api.Apply("", estate.Diff(estate.File{}, f, false)))
	must(err)
	book := house.Hall.Book()
	var openings []sashlock.OpeningID
	var people []sashlock.PersonID
	for id := range book.Openings {
		openings = append(openings, id)
	}
	for id := range book.People {
		people = append(people, id)
	}
	kinds := []sashlock.EventKind{sashlock.AccessGranted, sashlock.LockUnlocked, sashlock.OpeningOpened, sashlock.OpeningClosed, sashlock.LockLocked, sashlock.AccessDenied}
	for n := 0; n < manyEvents; n += 5000 {
		_, err := house.Store.Do(b.Context(), func(tx *ledger.Tx) error {
			for i := n; i < n+5000; i++ {
				o := openings[i*7919%len(openings)]
				tx.Append(sashlock.Event{Kind: kinds[(i+i/manyOpenings)%len(kinds)], Site: book.Openings[o].Site, Opening: o, Person: people[(i*31+i/manyOpenings)%len(people)], Reason: sashlock.Permitted})
			}
			return nil
		})
		must(err)
		past.Store(int64(vastAge) / manyEvents * int64(manyEvents-n-5000))
	}
	_, err = house.OpenDemoConsole(b.Context())
	must(err)
	must(caughtUp(b, house.Store))
	server := httptest.NewServer(house.Handler())
	b.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		must(house.Stop())
	})
	return server.URL
}

// caughtUp waits until every follower has read the whole ledger. They take 90
// days at once here, which they never do in a store, and pages would be measured
// beside them.
func caughtUp(b *testing.B, s *ledger.Store) error {
	again := time.NewTicker(time.Second) // keeping one's place is no news
	defer again.Stop()
	for {
		var behind int
		err := s.View(b.Context(), func(q ledger.Query) error {
			// Whoever finds nothing of theirs in the last entries does not write that down.
			return q.QueryRow("SELECT COUNT(*) FROM cursors WHERE next < ?", s.Size()-25_000).Scan(&behind)
		})
		if err != nil || behind == 0 {
			return err
		}
		select {
		case <-again.C:
		case <-b.Context().Done():
			return b.Context().Err()
		}
	}
}

// BenchmarkHeap looks whether the live page grows: each turn is a minute of a
// story that runs sixty times as fast, so an hour of events. What it reports is
// what the page's scripts hold after that, with all that is no longer used
// thrown away.
func BenchmarkHeap(b *testing.B) {
	s := open(b, 60)
	browser := browsertest.Open(b, s.url)
	browser.Go("/")
	browser.See("Openings")
	held := func() float64 {
		if _, err := chromedp.Call(browser.Ctx, heapprofiler.CollectGarbage, cdp.Empty{}); err != nil {
			b.Fatal(err)
		}
		use, err := chromedp.Call(browser.Ctx, runtime.GetHeapUsage, cdp.Empty{})
		if err != nil {
			b.Fatal(err)
		}
		return use.UsedSize / 1024
	}
	minute := func() {
		end := time.NewTimer(time.Minute)
		defer end.Stop()
		<-end.C
	}
	elements := func() float64 { return browsertest.Eval[float64](browser, `document.querySelectorAll("*").length`) }
	minute() // what comes once, has come
	first, shown := held(), elements()
	for b.Loop() {
		minute()
		b.Logf("%.0f KiB, %.0f elements", held(), elements())
	}
	b.ReportMetric(first, "KiB/before")
	b.ReportMetric(held(), "KiB/after")
	b.ReportMetric(shown, "elements/before")
	b.ReportMetric(elements(), "elements/after")
	b.ReportMetric(0, "ns/op")
}
