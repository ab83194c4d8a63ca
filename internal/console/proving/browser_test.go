// SPDX-License-Identifier: Apache-2.0

package proving_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/sashlock/sashlock/internal/browsertest"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/ledger"
	"github.com/sashlock/sashlock/internal/ledger/proof"
	"github.com/sashlock/sashlock/internal/signin"
)

// several is a bundle about some entries that continues an older checkpoint.
func several(t *testing.T, c *consoletest.Counter, older string, seqs ...int64) []byte {
	t.Helper()
	key, err := proof.ParseKey(c.Keys.Verifier)
	c.Must(err)
	signed, _, err := c.Store.Checkpoint(t.Context())
	c.Must(err)
	var all []proof.Statement
	for _, seq := range seqs {
		e, err := c.Store.Entry(t.Context(), seq)
		c.Must(err)
		all = append(all, proof.Statement{Seq: seq, Body: e.Body, Salt: e.Salt, Commitment: e.Commitment})
	}
	b, err := ledger.Evidence(c.Store.HashReader(t.Context()), key, signed, older, all)
	c.Must(err)
	data, err := b.Encode()
	c.Must(err)
	return data
}

// inGo is what the package proof says of a bundle: "" for one that cannot be
// read.
func inGo(data []byte, key proof.Key) string {
	b, err := proof.DecodeBundle(data)
	if err != nil {
		return "unreadable"
	}
	report, err := proof.Verify(b, key)
	said := fmt.Sprint(err == nil)
	for _, f := range report.Entries {
		said += fmt.Sprintf(" %d:%v", f.Statement.Seq, f.Proved)
	}
	return said
}

// The browser and the program must say the same of every bundle, right or
// wrong.
func checksAsTheProgramDoes(t *testing.T, c *consoletest.Counter, b *browsertest.Browser) {
	t.Helper()
	older, _, err := c.Store.Checkpoint(t.Context())
	c.Must(err)
	for range 9 {
		ask(t, c, "bob", "case-1")
	}
	good := several(t, c, older, 0, 5, c.Store.Size()-1)
	key, err := proof.ParseKey(c.Keys.Verifier)
	c.Must(err)
	bundles := [][]byte{good}
	alter := func(pattern, replacement string) {
		bad := regexp.MustCompile(pattern).ReplaceAll(good, []byte(replacement))
		if bytes.Equal(good, bad) {
			t.Fatalf("%s altered nothing", pattern)
		}
		bundles = append(bundles, bad)
	}
	alter(`"seq": 5,`, `"seq": 6,`)
	alter(`"seq": 5,`, `"seq": 5.0,`)
	alter(`"seq": 5,`, `"seq": 5, "seq": 5,`)
	alter(`"seq": 5,`, `"Seq": 5,`)
	alter(`"origin": "`, `"origin": "x`)
	alter(`evidence/1`, `evidence/2`)
	alter(`"body": "ey`, `"body": "fy`)
	alter(`"entries"`, `"note": true, "entries"`)
	for at := 30; at < len(good); at += len(good) / 60 {
		bad := bytes.Clone(good)
		bad[at] ^= 1
		bundles = append(bundles, bad)
	}
	b.Go("/proof")
	b.See("Why nothing can hide")
	list, err := json.Marshal(bundles) // each in base64
	c.Must(err)
	module := browsertest.Eval[string](b, `[...document.scripts].find((s) => s.src.includes("proving.js")).src`)
	browsertest.Eval[bool](b, fmt.Sprintf(`(import(%q).then(async ({verify}) => {
		const said = [];
		for (const one of %s) {
			const out = await verify(Uint8Array.from(atob(one), (x) => x.charCodeAt(0)), %q);
			said.push(out.unreadable ? "unreadable" : out.ok + out.rows.map((r) => " " + r.seq + ":" + !r.why).join(""));
			window.signed = out.unreadable ? window.signed : out.signed || window.signed;
		}
		window.said = said;
	}), true)`, module, list, c.Keys.Verifier))
	b.Until("!!window.said")
	said := browsertest.Eval[[]string](b, "window.said")
	if len(said) != len(bundles) {
		t.Fatalf("%d answers for %d bundles", len(said), len(bundles))
	}
	if said[0] != inGo(good, key) || said[0][:4] != "true" {
		t.Errorf("the good bundle: %s, in Go %s", said[0], inGo(good, key))
	}
	signed := browsertest.Eval[bool](b, "!!window.signed")
	for i, one := range bundles {
		if want := inGo(one, key); said[i] != want && signed {
			t.Errorf("bundle %d: the browser says %s, the program %s", i, said[i], want)
		}
	}
	if !signed {
		t.Log("this browser has no Ed25519")
	}
}

func checksAnEntry(t *testing.T, c *consoletest.Counter, b *browsertest.Browser) {
	t.Helper()
	seq := ask(t, c, "bob", "case-1")
	b.Go("/proof/entries/" + strconv.FormatInt(seq, 10))
	b.Click("#check")
	b.Until(`document.getElementById("checked").dataset.verdict === "proved"`)
	b.Go("/proof/entries/" + strconv.FormatInt(seq, 10))
	browsertest.Eval[bool](b, `(document.getElementById("bundle-text").textContent = document.getElementById("bundle-text").textContent.replace('"body": "ey', '"body": "fy'), true)`)
	b.Click("#check")
	b.See("Not everything in it is proved", "The entry or its salt was changed")
	b.Accessible()
	b.Fits()
}

func pokesTheTree(t *testing.T, c *consoletest.Counter, b *browsertest.Browser) {
	t.Helper()
	ask(t, c, "bob", "case-1")
	b.Go("/proof")
	b.Until(`!!document.querySelector(".leaf")`)
	signed := browsertest.Eval[string](b, `document.querySelector(".root .hex").textContent`)
	browsertest.Eval[bool](b, `(document.querySelectorAll(".leaf")[3].dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true})), true)`)
	b.See("Computed in this browser: the root is the one that was signed.")
	b.Click("#flip")
	b.See("One bit changed")
	if now := browsertest.Eval[string](b, `document.querySelector(".root.changed .hex").textContent`); now == signed {
		t.Errorf("the root is still %s", now)
	}
	b.Click("#mend")
	if now := browsertest.Eval[string](b, `document.querySelector(".root .hex").textContent`); now != signed {
		t.Errorf("put back, the root is %s, not %s", now, signed)
	}
	b.Accessible()
	b.Fits()
}

func turnsRedByItself(t *testing.T, c *consoletest.Counter, b *browsertest.Browser) {
	t.Helper()
	seq := ask(t, c, "bob", "case-1")
	b.Go("/proof")
	b.See("Was anything changed?")
	forge(t, c, seq)
	verified(t, c.As(signin.Owner)) // somebody else asks
	b.See(strconv.FormatInt(seq, 10), "was changed after it was sealed")
	b.Accessible()
}

func keepsADroppedBundle(t *testing.T, c *consoletest.Counter, b *browsertest.Browser) {
	t.Helper()
	good, seq := evidence(t, c)
	b.Go("/proof")
	b.See("Check evidence that you were handed")
	drop := func(data []byte) {
		browsertest.Eval[bool](b, fmt.Sprintf(`(() => {
			window.calls = 0;
			const was = window.fetch; window.fetch = (...a) => { window.calls++; return was(...a); };
			const bytes = Uint8Array.from(atob(%q), (x) => x.charCodeAt(0));
			const t = new DataTransfer();
			t.items.add(new File([bytes], "evidence.json"));
			document.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: t}));
			return true;
		})()`, base64.StdEncoding.EncodeToString(data)))
	}
	drop(good)
	b.See("Everything in it is proved", strconv.FormatInt(seq, 10))
	drop(bytes.Replace(good, []byte(`"body": "ey`), []byte(`"body": "fy`), 1))
	b.See("Not everything in it is proved")
	drop([]byte("PK\x03\x04"))
	b.See("This is a packed folder")
	if n := browsertest.Eval[int](b, "window.calls"); n != 0 {
		t.Errorf("%d requests went to the server", n)
	}
}

// One browser does it all, because starting one takes longest. The ledger is
// altered at the end.
func TestInTheBrowser(t *testing.T) {
	c := consoletest.New(t)
	b := browsertest.Open(t, c.Server.URL)
	b.Cookie(console.SessionCookie, c.Secret(signin.Auditor))
	for _, use := range []func(*testing.T, *consoletest.Counter, *browsertest.Browser){
		checksAsTheProgramDoes, checksAnEntry, pokesTheTree, keepsADroppedBundle, turnsRedByItself,
	} {
		use(t, c, b)
	}
}
