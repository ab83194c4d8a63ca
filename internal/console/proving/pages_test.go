// SPDX-License-Identifier: Apache-2.0

package proving_test

import (
	"bytes"
	"database/sql"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to edit a row behind the store's back

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

func see(t *testing.T, c *consoletest.Counter, path string, texts ...string) string {
	t.Helper()
	status, page := c.Get(path)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", path, status, consoletest.Words(page))
	}
	c.Sees(page, texts...)
	return page
}

// ask asks for an opening and returns the number of the entry that answered.
func ask(t *testing.T, c *consoletest.Counter, person, opening string) int64 {
	t.Helper()
	a, err := c.Hall.Request(t.Context(), sashlock.Request{Person: c.Person(person), Opening: c.Opening(opening), Method: sashlock.ByRemote})
	c.Must(err)
	e, err := c.Store.Decision(t.Context(), a.Decision.ID)
	c.Must(err)
	return e.Seq
}

// forge changes a word in the body of an entry, in the database.
func forge(t *testing.T, c *consoletest.Counter, seq int64) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.Config.Data, "store.db")+"?_pragma=busy_timeout(5000)")
	c.Must(err)
	defer db.Close() //nolint:errcheck // the test is over then
	r, err := db.ExecContext(t.Context(), "UPDATE entries SET body = CAST(REPLACE(CAST(body AS TEXT), 'access.denied', 'access.opened') AS BLOB) WHERE seq = ?", seq)
	c.Must(err)
	if n, err := r.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d rows were edited: %v", n, err)
	}
}

// verified asks for a verification and waits for what comes out.
func verified(t *testing.T, c *consoletest.Counter) string {
	t.Helper()
	status, to, page := c.Post("/proof/verify", nil)
	if status != http.StatusSeeOther || to != "/proof#verdict" {
		t.Fatalf("status %d, %q: %s", status, to, consoletest.Words(page))
	}
	for {
		page := see(t, c, "/proof")
		if !strings.Contains(page, "Verifying …") {
			return page
		}
	}
}

func TestTheLedgerAsItIsSealed(t *testing.T) {
	c := consoletest.New(t)
	page := see(t, c.As(signin.Auditor), "/proof", "Was anything changed?", "The ledger now", "Signed checkpoint", "Verifier key", "Root, signed", "Check evidence that you were handed")
	signed, _, err := c.Store.Checkpoint(t.Context())
	c.Must(err)
	if !strings.Contains(page, strings.Split(signed, "\n")[2]) {
		t.Error("the page does not show the root that was signed")
	}
	if strings.Contains(page, "do not lead to the root") {
		t.Error("the picture does not lead to the root")
	}
}

func TestTheTreeLeadsToTheRootWhateverItsSize(t *testing.T) {
	c := consoletest.New(t)
	for range 40 {
		ask(t, c, "bob", "case-1")
		page := see(t, c, "/proof?leaf="+strconv.FormatInt(c.Store.Size()-1, 10))
		if strings.Contains(page, "do not lead to the root") {
			t.Fatalf("with %d entries the picture does not lead to the root", c.Store.Size())
		}
		if leaves := strings.Count(page, "data-commitment"); leaves < 8 || leaves > 16 {
			t.Fatalf("with %d entries %d are shown", c.Store.Size(), leaves)
		}
		if !strings.Contains(page, `class="leaf lit"`) || !strings.Contains(page, `class="edge lit"`) {
			t.Fatalf("with %d entries the way of the last is not lit", c.Store.Size())
		}
	}
}

func TestNothingWasChanged(t *testing.T) {
	c := consoletest.New(t)
	c.Sees(verified(t, c.As(signin.Auditor)), "Nothing was changed", "Every entry is as it was sealed", "signature checked")
}

func TestTheAlteredEntryIsNamed(t *testing.T) {
	c := consoletest.New(t)
	seq := ask(t, c, "bob", "case-1")
	forge(t, c, seq)
	page := verified(t, c.As(signin.Auditor))
	c.Sees(page, "Entry "+strconv.FormatInt(seq, 10)+" was changed after it was sealed", "What to do now", "Everything else was checked too", "1 problem was found.",
		"entry "+strconv.FormatInt(seq, 10)+": the body or its salt was altered")
	if !strings.Contains(page, `class="card verdict bad"`) {
		t.Error("the page is not red")
	}
	see(t, c, "/proof/entries/"+strconv.FormatInt(seq, 10), "cannot be proved", "must not be believed")
	if status, _, page := c.Post("/proof/entries/"+strconv.FormatInt(seq, 10)+"/evidence", nil); status != http.StatusConflict {
		t.Errorf("evidence of a forged entry: status %d: %s", status, consoletest.Words(page))
	}
}

func TestOneEntry(t *testing.T) {
	c := consoletest.New(t)
	seq := ask(t, c, "bob", "case-1")
	path := "/proof/entries/" + strconv.FormatInt(seq, 10)
	see(t, c.As(signin.Auditor), path, "Bob Dias asked for Case 1: refused.", "access.denied", "Commitment", "From the entry to the root in", "Check in this browser")
	before := c.Store.Size()
	r, text := c.Send(http.MethodPost, path+"/evidence", nil, nil)
	if got := r.Header.Get("Content-Disposition"); r.StatusCode != http.StatusOK || got != `attachment; filename="sashlock-evidence-`+strconv.FormatInt(seq, 10)+`.json"` {
		t.Fatalf("status %d, %q: %s", r.StatusCode, got, consoletest.Words(text))
	}
	b, err := proof.DecodeBundle([]byte(text))
	c.Must(err)
	key, err := proof.ParseKey(c.Keys.Verifier)
	c.Must(err)
	if report, err := proof.Verify(b, key); err != nil || len(report.Entries) != 1 || report.Entries[0].Statement.Seq != seq {
		t.Errorf("the evidence: %+v, %v", report, err)
	}
	events, err := c.Store.Events(t.Context(), store.EventQuery{From: before})
	c.Must(err)
	if len(events) != 1 || events[0].Kind != sashlock.EvidenceExported || events[0].Operator == "" || events[0].Subject != "entry "+strconv.FormatInt(seq, 10) {
		t.Errorf("recorded: %+v", events)
	}
}

func TestEntriesOfOtherStoresStayThere(t *testing.T) {
	c := consoletest.New(t)
	seq := strconv.FormatInt(ask(t, c, "ana", "porto-case"), 10)
	for _, role := range []signin.Role{signin.Manager, signin.Auditor} {
		if status, page := c.As(role).Get("/proof/entries/" + seq); status != http.StatusForbidden || strings.Contains(page, "Porto") {
			t.Errorf("%s: status %d", role, status)
		}
		if status, _, page := c.Post("/proof/entries/"+seq+"/evidence", nil); status != http.StatusForbidden || strings.Contains(page, "checkpoint") {
			t.Errorf("%s takes evidence away: status %d", role, status)
		}
		if page := see(t, c, "/proof"); strings.Contains(page, "Porto") {
			t.Errorf("%s: the picture tells of Porto", role)
		}
	}
	all, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.OperatorRefused)})
	c.Must(err)
	if len(all) != 4 {
		t.Errorf("%d refusals were recorded, want 4", len(all))
	}
	see(t, c.As(signin.Owner), "/proof/entries/"+seq, "Case in Porto")
	if status, _ := c.As(signin.Associate).Get("/proof"); status != http.StatusForbidden {
		t.Errorf("an associate reads the ledger: status %d", status)
	}
}

func TestThereIsNoSuchEntry(t *testing.T) {
	c := consoletest.New(t)
	for _, seq := range []string{"-1", "999999999", "99999999999999999999999", "01", "+1", "1e3", "x", "%00"} {
		if status, _ := c.Get("/proof/entries/" + seq); status != http.StatusNotFound {
			t.Errorf("entry %s: status %d", seq, status)
		}
	}
	if r, _ := c.Send(http.MethodGet, "/proof/entries?seq=1%20017", nil, nil); r.Header.Get("Location") != "/proof/entries/1017" {
		t.Errorf("1 017 leads to %q", r.Header.Get("Location"))
	}
}

// send sends a bundle to be checked, as a form does.
func send(t *testing.T, c *consoletest.Counter, role signin.Role, data []byte, key string) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	c.Must(form.WriteField("key", key))
	part, err := form.CreateFormFile("bundle", "../../etc/passwd")
	c.Must(err)
	_, err = part.Write(data)
	c.Must(err)
	c.Must(form.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Server.URL+"/proof/check", &body)
	c.Must(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "sashlock_session", Value: c.Secret(role)})
	answer, err := http.DefaultClient.Do(r)
	c.Must(err)
	defer answer.Body.Close() //nolint:errcheck // it was only read
	var page bytes.Buffer
	_, err = page.ReadFrom(answer.Body)
	c.Must(err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", answer.StatusCode, consoletest.Words(page.String()))
	}
	return page.String()
}

// evidence is a bundle about a refusal.
func evidence(t *testing.T, c *consoletest.Counter) (bundle []byte, seq int64) {
	t.Helper()
	seq = ask(t, c, "bob", "case-1")
	r, text := c.Send(http.MethodPost, "/proof/entries/"+strconv.FormatInt(seq, 10)+"/evidence", nil, nil)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("status %d", r.StatusCode)
	}
	return []byte(text), seq
}

func TestABundleThatIsSent(t *testing.T) {
	c := consoletest.New(t)
	good, _ := evidence(t, c)
	c.Sees(send(t, c, signin.Auditor, good, ""), "Everything in it is proved")
	bad := bytes.Replace(good, []byte(`"body": "ey`), []byte(`"body": "fy`), 1)
	if bytes.Equal(good, bad) {
		t.Fatal("nothing was altered")
	}
	c.Sees(send(t, c, signin.Auditor, bad, c.Keys.Verifier), "Not everything in it is proved", "the body or its salt was altered")
	c.Sees(send(t, c, signin.Auditor, good, "sashlock.local/other+00000000+AAAA"), "The verifier key cannot be read")
}

func TestHostileBundles(t *testing.T) {
	c := consoletest.New(t)
	for name, one := range map[string]struct{ data, want string }{
		"nothing":       {"", "No file arrived"},
		"a zip":         {"PK\x03\x04" + strings.Repeat("\x00", 100), "This is a packed folder"},
		"markup":        {`<script>alert(1)</script>`, "This is no evidence bundle"},
		"a field":       {`{"<script>alert(1)</script>": 1}`, "This is no evidence bundle"},
		"deep":          {strings.Repeat("[", 1_000_000), "This is no evidence bundle"},
		"numbers":       {`{"format": 1e999999}`, "This is no evidence bundle"},
		"no text":       {"\xff\xfe\x00", "This is no evidence bundle"},
		"far too large": {strings.Repeat(" ", 9<<20), "The file is larger than 8 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			page := send(t, c, signin.Auditor, []byte(one.data), "")
			c.Sees(page, one.want)
			if strings.Contains(page, "<script>alert") {
				t.Error("what was sent became markup")
			}
		})
	}
}
