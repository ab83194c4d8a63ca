// SPDX-License-Identifier: Apache-2.0

package proving

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// The limits of what is sent to be checked here. Larger bundles are for the
// browser or for sashlock-verify.
const (
	maxSent = 8 << 20
	maxKey  = 4096
)

// bundleCheck is what came out of checking a bundle.
type bundleCheck struct {
	Wrong    string // why nothing could be checked, in the reader's language; empty: it could
	Detail   string // the same as the program says it
	OK       bool
	Origin   string
	Size     int64
	Older    int64 // size of the older checkpoint that is continued; -1: none
	Problems []string
	Rows     []bundleRow
}

// bundleRow is the verdict on one entry.
type bundleRow struct {
	Seq    int64
	Proved bool
	Erased bool
	Body   string
	Why    string
}

// shownRows is how many entries of a bundle are listed one by one.
const shownRows = 500

// check checks a bundle for those whose browser runs no scripts.
func (p pages) check(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSent+64<<10)
	data, key, err := readSent(r)
	var out bundleCheck
	switch {
	case sashlock.IsKind(err, sashlock.Limit):
		out.Wrong = lang.T(ctx, "The file is larger than %d MB. Check it in the browser, or with sashlock-verify.", maxSent>>20)
	case err != nil || len(data) == 0:
		out.Wrong = lang.T(ctx, "No file arrived. Choose an evidence bundle and send it again.")
	default:
		if key == "" {
			key = p.Verifier
		}
		out = checkBundle(ctx, data, key)
	}
	v, err := p.view(ctx, site, -1)
	if err != nil {
		return err
	}
	v.Bundle = &out
	return p.show(w, r, v)
}

// readSent reads the file and the key from a form, without keeping anything
// on disk.
func readSent(r *http.Request) (data []byte, key string, err error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", err
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return data, key, nil
		}
		if err != nil {
			return nil, "", tooMuch(err)
		}
		switch part.FormName() {
		case "bundle":
			data, err = io.ReadAll(io.LimitReader(part, maxSent+1))
		case "key":
			var text []byte
			text, err = io.ReadAll(io.LimitReader(part, maxKey))
			key = strings.TrimSpace(string(text))
		}
		if err != nil {
			return nil, "", tooMuch(err)
		}
		if len(data) > maxSent {
			return nil, "", &sashlock.Error{Kind: sashlock.Limit, Op: "reading bundle"}
		}
	}
}

// tooMuch tells a form that is too long from one that broke off.
func tooMuch(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return &sashlock.Error{Kind: sashlock.Limit, Op: "reading bundle", Err: err}
	}
	return err
}

// checkBundle checks a bundle as sashlock-verify does.
func checkBundle(ctx context.Context, data []byte, trusted string) bundleCheck {
	key, err := proof.ParseKey(trusted)
	if err != nil {
		return bundleCheck{Wrong: lang.T(ctx, "The verifier key cannot be read: paste all of it, as the store gave it."), Detail: err.Error()}
	}
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return bundleCheck{Wrong: lang.T(ctx, "This is a packed folder. Unpack it and choose the evidence file in it, which ends in .json.")}
	}
	b, err := proof.DecodeBundle(data)
	if err != nil {
		return bundleCheck{Wrong: lang.T(ctx, "This is no evidence bundle that can be read."), Detail: err.Error()}
	}
	report, err := proof.Verify(b, key)
	out := bundleCheck{OK: err == nil, Origin: b.Origin, Size: report.Checkpoint.Size, Older: -1}
	if report.Older != nil {
		out.Older = report.Older.Size
	}
	for _, x := range report.Problems {
		if x.Seq < 0 {
			out.Problems = append(out.Problems, x.Text)
		}
	}
	for _, f := range report.Entries[:min(len(report.Entries), shownRows)] {
		out.Rows = append(out.Rows, bundleRow{f.Statement.Seq, f.Proved, f.Statement.Erased, string(f.Statement.Body), f.Problem.Text})
	}
	return out
}

// whatItMeans says of a kind of problem what was done, and what it means.
func whatItMeans(k proof.Kind) (what, means string) {
	switch k {
	case proof.BodyAltered, proof.SaltAltered:
		return lang.Mark("was changed after it was sealed"), lang.Mark("What the database says happened is no longer what was recorded. Somebody, or a failing disk, rewrote the entry itself, past this program.")
	case proof.CommitmentAltered, proof.EntryAltered:
		return lang.Mark("no longer fits what was sealed"), lang.Mark("The fingerprint kept with the entry was rewritten, past this program. What the entry says can no longer be relied on without another copy.")
	case proof.EntryMissing:
		return lang.Mark("was removed"), lang.Mark("The ledger was sealed with an entry in this place, and there is none now. What it said can be found in a copy or in evidence that was handed out.")
	case proof.EntryRepeated, proof.EntryUnsealed:
		return lang.Mark("was added past the seal"), lang.Mark("Somebody put an entry into the database that this program never recorded. It must not be believed.")
	case proof.RootWrong:
		return lang.Mark("was rewritten together with its hashes"), lang.Mark("The signed checkpoint is genuine, and the entries lead to another root. Whoever did this knew how the ledger works, and did not have the key.")
	case proof.CheckpointWrong, proof.SealWrong:
		return lang.Mark("lies under a seal that is not genuine"), lang.Mark("A signature of the ledger was changed or made with another key. The entries under it are not vouched for.")
	}
	return lang.Mark("stands on hashes that were changed"), lang.Mark("Hashes of the tree that is built over the entries contradict each other. Entries may be right; that they are can no longer be shown from this database alone.")
}
