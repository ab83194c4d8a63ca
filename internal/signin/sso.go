// SPDX-License-Identifier: Apache-2.0

package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/store"
)

// SSO is how operators sign in with the accounts that a company has elsewhere:
// at a provider of OpenID Connect.
type SSO struct {
	On         bool      `json:"on"`
	Issuer     string    `json:"issuer"`
	Client     string    `json:"client"`
	SecretFile string    `json:"secret_file,omitempty"` // in the folder of secrets; empty: it is kept here, sealed
	Button     string    `json:"button,omitempty"`      // what the provider is called at the button
	Claim      string    `json:"claim,omitempty"`       // what tells what somebody may do; "groups" when empty
	Rules      []SSORule `json:"rules,omitempty"`
	Proofs     []string  `json:"proofs,omitempty"` // values of amr or acr that count as a passkey; none: nothing does
	HasSecret  bool      `json:"-"`
	Rev        int64     `json:"-"`
}

// SSORule says what whoever has a value of the claim may do. Without one that
// applies nobody gets in for the first time.
type SSORule struct {
	Value string            `json:"value"`
	Role  Role              `json:"role"`
	Sites []sashlock.SiteID `json:"sites,omitempty"` // empty: all
}

// The limits of what can be set.
const (
	mostRules   = 50
	mostSetting = 300 // characters of a text
)

// ClaimName is the claim that tells what somebody may do.
func (s SSO) ClaimName() string { return cmp.Or(s.Claim, "groups") }

var (
	secretFileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	proofName      = regexp.MustCompile(`^[A-Za-z0-9:/._-]{1,100}$`)
)

// Check says what is wrong with the settings. The error is of kind invalid and
// names the field.
func (s SSO) Check() error {
	bad := func(field, hint string) error {
		return &sashlock.Error{Kind: sashlock.Invalid, Op: "setting up single sign-on", Subject: field, Hint: hint}
	}
	for field, text := range map[string]string{"issuer": s.Issuer, "client": s.Client, "button": s.Button, "claim": s.Claim} {
		if len(text) > mostSetting || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			return bad(field, lang.Mark("shorten it and remove control characters"))
		}
	}
	u, err := url.Parse(s.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return bad("issuer", lang.Mark("write the provider's address as it names itself, beginning with https"))
	case s.Client == "":
		return bad("client", lang.Mark("write the client id that the provider gave to this store"))
	case s.SecretFile != "" && !secretFileName.MatchString(s.SecretFile):
		return bad("file", lang.Mark("write the name of a file in the folder of secrets, without a path"))
	case len(s.Rules) > mostRules:
		return bad("rules", lang.Mark("use at most 50 rules"))
	}
	for _, one := range s.Rules {
		switch {
		case one.Value == "" || len(one.Value) > mostSetting || strings.ContainsFunc(one.Value, unicode.IsControl):
			return bad("rules", lang.Mark("each rule needs the value that it is about"))
		case one.Role == Owner:
			return bad("rules", lang.Mark("nobody becomes an owner by single sign-on: an owner is invited by another one"))
		case !slices.Contains(Roles(), one.Role):
			return bad("rules", lang.Mark("choose a role for each rule"))
		}
	}
	if slices.ContainsFunc(s.Proofs, func(p string) bool { return !proofName.MatchString(p) }) || len(s.Proofs) > 20 {
		return bad("proofs", lang.Mark("write values as the provider sends them, with blanks between them"))
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const ssoBox = "client secret of single sign-on"

// FindSSO returns the settings; empty ones when there are none.
func FindSSO(q store.Query) (SSO, error) {
	one, err := findRow(q, "sso")
	if err != nil {
		return SSO{}, err
	}
	s := SSO{HasSecret: len(one.secret) > 0, Rev: one.rev}
	return s, json.Unmarshal(one.body, &s)
}

// SaveSSO changes the settings, on behalf of an owner. An empty secret keeps
// the one that is there, unless issuer or client changed: a secret is never
// shown to somebody else than it was for.
func (r *Room) SaveSSO(ctx context.Context, by Operator, s SSO, secret string) error {
	if err := firstOf(by.ownsAll(), s.Check); err != nil {
		return err
	}
	_, err := r.hall.Change(ctx, flow.Change{Operator: by.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		old, err := FindSSO(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		if err := store.CheckRev("single sign-on", "sso", old.Rev, s.Rev); err != nil {
			return flow.Edit{}, err
		}
		was, err := findRow(tx, "sso")
		if err != nil {
			return flow.Edit{}, err
		}
		box := was.secret
		if s.SecretFile != "" || old.Issuer != s.Issuer || old.Client != s.Client {
			box = nil
		}
		if secret != "" && s.SecretFile == "" {
			if box, err = r.enclose([]byte(secret), ssoBox); err != nil {
				return flow.Edit{}, err
			}
		}
		body, err := json.Marshal(s)
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.SSOSaved, Subject: "sso", Data: body}}},
			tx.Put("sign_in_settings", "id", store.Fields{"id": "sso", "body": string(body), "secret": box, "rev": old.Rev + 1})
	}})
	return err
}

// SecretsFrom names the folder in which files with secrets lie. Without one a
// secret is kept in the database, sealed.
func (r *Room) SecretsFrom(folder string) { r.secrets = folder }

// SecretFolder is that folder; empty: there is none.
func (r *Room) SecretFolder() string { return r.secrets }

// clientSecret reads the secret by which the provider knows this store. A
// client without one is a public one, which has only the proof of RFC 7636.
func (r *Room) clientSecret(q store.Query, s SSO) (string, error) {
	if s.SecretFile != "" {
		text, err := os.ReadFile(filepath.Join(r.secrets, filepath.Base(s.SecretFile)))
		if r.secrets == "" || errors.Is(err, fs.ErrNotExist) {
			return "", &sashlock.Error{Kind: sashlock.Unavailable, Op: "reading client secret", Subject: s.SecretFile, Hint: lang.Mark("the file with the client secret is not there")}
		}
		return strings.TrimSpace(string(text)), err
	}
	one, err := findRow(q, "sso")
	if err != nil || len(one.secret) == 0 {
		return "", err
	}
	secret, err := r.disclose(one.secret, ssoBox)
	return string(secret), err
}

// Account is somebody's account at the provider, as it says itself.
type Account struct {
	Issuer  string
	Subject string
	Name    string   // what they are called there; personal data
	Values  []string // of the claim that tells what they may do
	Strong  bool     // they showed something that cannot be phished
	Session string   // the provider's name for this session, for its end
	Shown   time.Time
}

// Means is how somebody with this account signed in.
func (a Account) Means() string {
	if a.Strong {
		return BySSOStrong
	}
	return BySSO
}

// allowed is what the rules give an account; false: nothing. The first rule
// that applies says the role; others of that role add their sites.
func (s SSO) allowed(a Account) (o Operator, some bool) {
	everywhere := false
	for _, rule := range s.Rules {
		if !slices.Contains(a.Values, rule.Value) || some && rule.Role != o.Role || rule.Role == Owner {
			continue
		}
		o.Role, some = rule.Role, true
		everywhere = everywhere || len(rule.Sites) == 0
		o.Sites = append(o.Sites, rule.Sites...)
	}
	slices.Sort(o.Sites)
	o.Sites = slices.Compact(o.Sites)
	if everywhere {
		o.Sites = nil
	}
	return o, some
}

// account is the row of an account that belongs to somebody.
type account struct {
	operator sashlock.OperatorID
	made     bool
}

func findAccount(q store.Query, issuer, subject string) (account, error) {
	return store.One(q, func(scan store.Scan) (a account, err error) {
		var made int64
		err = scan(&a.operator, &made)
		a.made = made == 1
		return a, err
	}, "account", "", `SELECT operator, made FROM sso_accounts WHERE issuer = ? AND subject = ?`, issuer, subject)
}

// HasAccount reports whether an operator can sign in by single sign-on.
func HasAccount(q store.Query, id sashlock.OperatorID) (bool, error) {
	n, err := store.One(q, func(scan store.Scan) (n int, err error) { return n, scan(&n) }, "account", string(id),
		`SELECT COUNT(*) FROM sso_accounts WHERE operator = ?`, id)
	return n > 0, err
}

func putAccount(tx *store.Tx, a Account, id sashlock.OperatorID, made bool) error {
	n := 0
	if made {
		n = 1
	}
	return tx.Put("sso_accounts", "issuer, subject", store.Fields{
		"issuer": a.Issuer, "subject": a.Subject, "operator": id, "made": n, "added": store.Micros(tx.Now()),
	})
}

// Welcome returns the operator of an account and makes one where the rules say
// what somebody new may do. Who was made that way follows the rules at each
// sign-in; who follows none any more is suspended. The error is of kind denied,
// with a hint for people, when the account does not let anybody in.
func (r *Room) Welcome(ctx context.Context, a Account) (Operator, error) {
	var o Operator
	var turned error
	_, err := r.hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		turned = nil
		s, err := FindSSO(tx)
		if err != nil {
			return flow.Edit{}, err
		}
		if !s.On || s.Issuer != a.Issuer {
			return flow.Edit{}, turnedAway(lang.Mark("single sign-on is switched off here"))
		}
		var edit flow.Edit
		o, edit, turned, err = s.welcome(tx, a)
		return edit, err
	}})
	switch {
	case err != nil:
		return o, err
	case turned != nil:
		return o, turned
	case o.Suspended:
		return o, turnedAway(lang.Mark("you are suspended: whoever let you in can change that"))
	}
	if err := tooWeak(a.Means(), o.Role); err != nil {
		return o, turnedAway(lang.Mark("your role needs a passkey, and the provider did not say that you used one: sign in with your passkey"))
	}
	return o, nil
}

func turnedAway(hint string) error {
	return &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Hint: hint}
}

// welcome is Welcome within its transaction. Turned is why nobody is let in
// although something changed.
func (s SSO) welcome(tx *store.Tx, a Account) (o Operator, edit flow.Edit, turned, err error) {
	want, some := s.allowed(a)
	known, err := findAccount(tx, a.Issuer, a.Subject)
	switch {
	case sashlock.IsKind(err, sashlock.NotFound):
		if !some {
			return o, edit, nil, turnedAway(lang.Mark("your account is known to the provider, but nothing here says what you may do: ask whoever runs this store"))
		}
		if err := tooWeak(a.Means(), want.Role); err != nil {
			return o, edit, nil, turnedAway(lang.Mark("your role needs a passkey, and the provider did not say that you used one: ask for an invitation"))
		}
		o, edit, err = s.makeOperator(tx, a, want)
		return o, edit, nil, err
	case err != nil:
		return o, edit, nil, err
	}
	if o, err = FindOperator(tx, known.operator); err != nil || !known.made || o.Suspended {
		return o, edit, nil, err
	}
	if some && o.Role == want.Role && slices.Equal(o.Sites, want.Sites) {
		return o, edit, nil, nil
	}
	if some {
		o.Role, o.Sites, o.Areas = want.Role, want.Sites, nil
	} else {
		o.Suspended = true
		turned = turnedAway(lang.Mark("nothing here says any more what you may do: ask whoever runs this store"))
	}
	edit, err = o.replace(tx)
	return o, edit, turned, err
}

// makeOperator makes an operator for an account, under a name that is free.
func (s SSO) makeOperator(tx *store.Tx, a Account, want Operator) (Operator, flow.Edit, error) {
	o := Operator{ID: sashlock.NewID[sashlock.OperatorID](tx.Now()), Role: want.Role, Sites: want.Sites, Created: tx.Now(), Rev: 1}
	base := strings.TrimSpace(a.Name)
	if r := []rune(base); len(r) > 70 {
		base = string(r[:70])
	}
	if sashlock.CheckName(base) != "" {
		base = "Operator"
	}
	for n := 1; ; n++ {
		o.Name = base
		if n > 1 {
			o.Name = base + " " + strconv.Itoa(n)
		}
		err := nameIsFree(tx, o)
		if err == nil {
			break
		}
		if !sashlock.IsKind(err, sashlock.Invalid) || n > 1000 {
			return o, flow.Edit{}, err
		}
	}
	if err := o.check(); err != nil {
		return o, flow.Edit{}, err
	}
	edit, err := o.put(tx)
	edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.OperatorSignedUp, Subject: string(o.ID), Why: "single sign-on"})
	return o, edit, firstOf(err, func() error { return putAccount(tx, a, o.ID, true) })
}

// JoinAccount makes an account that of an operator who is there already. It was
// shown by its owner, who is signed in.
func (r *Room) JoinAccount(ctx context.Context, id sashlock.OperatorID, a Account) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		known, err := findAccount(tx, a.Issuer, a.Subject)
		switch {
		case sashlock.IsKind(err, sashlock.NotFound):
			return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorSaved, Subject: string(id), Why: "single sign-on added"}}}, putAccount(tx, a, id, false)
		case err == nil && known.operator != id:
			return flow.Edit{}, &sashlock.Error{Kind: sashlock.Conflict, Op: "adding account", Hint: lang.Mark("this account belongs to another operator here")}
		}
		return flow.Edit{}, err
	}})
	return err
}

// LeaveAccount takes the accounts of an operator away, and ends the sessions
// that were begun with them but one. The last way in stays.
func (r *Room) LeaveAccount(ctx context.Context, id sashlock.OperatorID, but string) error {
	_, err := r.hall.Change(ctx, flow.Change{Operator: id, Make: func(tx *store.Tx) (flow.Edit, error) {
		if _, err := tx.Exec(`DELETE FROM sso_accounts WHERE operator = ?`, id); err != nil {
			return flow.Edit{}, err
		}
		comes, err := CanSignIn(tx, id)
		if err == nil && !comes {
			err = &sashlock.Error{Kind: sashlock.Conflict, Op: "removing account", Hint: lang.Mark("this is the last way in: make recovery codes or add a passkey first")}
		}
		if err != nil {
			return flow.Edit{}, err
		}
		return flow.Edit{Events: []sashlock.Event{{Kind: sashlock.OperatorSaved, Subject: string(id), Why: "single sign-on removed"}}}, endWeak(tx, id, but, BySSO, BySSOStrong)
	}})
	return err
}

// EndAt ends the sessions that an account began, on behalf of its provider; with
// a session of the provider's only that one.
func (r *Room) EndAt(ctx context.Context, a Account) error {
	_, err := r.hall.Change(ctx, flow.Change{Make: func(tx *store.Tx) (flow.Edit, error) {
		all, err := store.Rows(tx, scanSession, sessionQuery+`WHERE s.ended IS NULL`)
		if err != nil {
			return flow.Edit{}, err
		}
		whose, err := findAccount(tx, a.Issuer, a.Subject)
		if err != nil && !sashlock.IsKind(err, sashlock.NotFound) {
			return flow.Edit{}, err
		}
		var edit flow.Edit
		for _, s := range all {
			mine := a.Subject == "" || s.Operator.ID == whose.operator
			this := a.Session == "" || s.Elsewhere == a.Session
			if s.Means != BySSO && s.Means != BySSOStrong || !mine || !this {
				continue
			}
			if _, err := tx.Exec(`UPDATE sessions SET ended = ?, network = NULL WHERE id = ?`, store.Micros(tx.Now()), s.ID); err != nil {
				return flow.Edit{}, err
			}
			edit.Events = append(edit.Events, sashlock.Event{Kind: sashlock.OperatorLeft, Subject: s.ID, Why: "single sign-on"})
		}
		return edit, nil
	}})
	return err
}
