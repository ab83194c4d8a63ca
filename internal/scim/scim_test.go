// SPDX-License-Identifier: Apache-2.0

package scim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/grants"
	"github.com/sashlock/sashlock/internal/people"
	"github.com/sashlock/sashlock/internal/roomtest"
	"github.com/sashlock/sashlock/internal/scim"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// directory is a directory that speaks to a store node.
type directory struct {
	t      testing.TB
	room   roomtest.Room
	server http.Handler
	token  string
}

func newDirectory(t testing.TB, r roomtest.Room) *directory {
	t.Helper()
	at := time.Now()
	tick := func() time.Time { at = at.Add(time.Second); return at } // never too fast
	d := &directory{t: t, room: r, server: scim.New(scim.Deps{Store: r.Store, Hall: r.Hall, Signin: r.Signin, Now: tick, Log: r.Log})}
	var err error
	if _, d.token, err = r.Signin.Issue(t.Context(), "", "directory", []signin.Scope{signin.Directory}, time.Hour); err != nil {
		t.Fatal(err)
	}
	return d
}

// ask sends a request and returns the status and the answer, if it is JSON.
func (d *directory) ask(method, path, body string, header ...string) (int, map[string]any) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+d.token)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, r)
	var answer map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			d.t.Fatalf("%s %s answers %q: %v", method, path, w.Body, err)
		}
	}
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		d.t.Fatalf("%s %s answers %d %v", method, path, w.Code, answer)
	}
	return w.Code, answer
}

// within says where an answer lacks something that is wanted; null means that
// it is not there at all.
func within(want, have any, at string) string {
	switch want := want.(type) {
	case map[string]any:
		object, is := have.(map[string]any)
		if !is {
			return fmt.Sprintf("%s is %v", at, have)
		}
		for name, v := range want {
			if wrong := within(v, object[name], at+"."+name); wrong != "" {
				return wrong
			}
		}
	case []any:
		list, is := have.([]any)
		if !is || len(list) != len(want) {
			return fmt.Sprintf("%s is %v", at, have)
		}
		for i := range want {
			if wrong := within(want[i], list[i], at+"."+strconv.Itoa(i)); wrong != "" {
				return wrong
			}
		}
	default:
		if want != have {
			return fmt.Sprintf("%s is %v, not %v", at, have, want)
		}
	}
	return ""
}

// dig finds what stands at "Resources.0.id".
func dig(v any, path string) string {
	for part := range strings.SplitSeq(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[part]
		case []any:
			i, _ := strconv.Atoi(part)
			v = here[i]
		}
	}
	text, _ := v.(string)
	return text
}

// exchange is one request of a transcript with what is expected.
type exchange struct {
	line                 int
	method, path, body   string
	header               []string
	status               int
	want, remember, from string
}

func readTranscript(t *testing.T, path string) []exchange {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []exchange
	var x *exchange
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		method, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "-- "):
			x.status, err = strconv.Atoi(line[3:])
		case strings.HasPrefix(line, "{") && x.status == 0:
			x.body = line
		case strings.HasPrefix(line, "{"):
			x.want = line
		case strings.HasPrefix(rest, "/"):
			all = append(all, exchange{line: n, method: method, path: rest})
			x = &all[len(all)-1]
		case strings.Contains(line, " = "):
			x.remember, x.from, _ = strings.Cut(line, " = ")
		default:
			x.header = append(x.header, line)
		}
		if err != nil {
			t.Fatalf("%s:%d: %v", path, n, err)
		}
	}
	return all
}

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
			d := newDirectory(t, r)
			known := []string{}
			for _, x := range readTranscript(t, file) {
				in := strings.NewReplacer(known...)
				status, answer := d.ask(x.method, "/scim/v2"+in.Replace(x.path), in.Replace(x.body), x.header...)
				if status != x.status {
					t.Fatalf("%s:%d: %s %s answers %d %v", file, x.line, x.method, x.path, status, answer)
				}
				if x.want != "" {
					var want any
					if err := json.Unmarshal([]byte(in.Replace(x.want)), &want); err != nil {
						t.Fatalf("%s:%d: %v", file, x.line, err)
					}
					if wrong := within(want, answer, ""); wrong != "" {
						t.Errorf("%s:%d: %s", file, x.line, wrong)
					}
				}
				if x.remember != "" {
					known = append(known, "{"+x.remember+"}", dig(answer, x.from))
				}
			}
		})
	}
}

func TestWhoMayAsk(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		good := d.token
		for token, want := range map[string]int{good: 200, "": 401, "sash_x": 401, good[:len(good)-1] + "!": 401} {
			d.token = token
			for _, path := range []string{"/scim/v2/Users", "/scim/v2/Schemas", "/scim/v2/ResourceTypes/User", "/scim/v2/ServiceProviderConfig"} {
				if status, _ := d.ask("GET", path, ""); status != want {
					t.Errorf("%s with %.8q answers %d", path, token, status)
				}
			}
		}
		_, other, err := r.Signin.Issue(t.Context(), "", "other", []signin.Scope{signin.Read, signin.Access}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		d.token = other
		if status, _ := d.ask("GET", "/scim/v2/Users", ""); status != 403 {
			t.Errorf("a token without the scope gets %d", status)
		}
		if status, _ := d.ask("POST", "/v1/people/import", "name,slug\n"); status != 403 {
			t.Errorf("and imports: %d", status)
		}
	})
}

func TestTooFastIsHeldBack(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		at := time.Now()
		d.server = scim.New(scim.Deps{Store: r.Store, Hall: r.Hall, Signin: r.Signin, Now: func() time.Time { return at }, Log: r.Log})
		refused := 0
		for range 450 {
			if status, _ := d.ask("GET", "/scim/v2/ServiceProviderConfig", ""); status == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused != 50 {
			t.Errorf("%d of 450 were refused", refused)
		}
		at = at.Add(time.Second)
		if status, _ := d.ask("GET", "/scim/v2/ServiceProviderConfig", ""); status != 200 {
			t.Errorf("a second later: %d", status)
		}
	})
}

// A leaver is refused before the directory has its answer.
func TestLeaversAreRefusedAtOnce(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		_, found := d.ask("GET", "/scim/v2/Users", "")
		ana := dig(found, "Resources.0.id")
		reason := func() sashlock.Reason {
			t.Helper()
			for id := range r.Hall.Book().Openings {
				a, err := r.Hall.Request(t.Context(), sashlock.Request{Person: sashlock.PersonID(ana), Opening: id, Method: sashlock.ByRemote})
				if err != nil {
					t.Fatal(err)
				}
				return a.Decision.Reason
			}
			return ""
		}
		if reason() == sashlock.PersonSuspended {
			t.Fatal("Ana is suspended before anything happened")
		}
		d.ask("PATCH", "/scim/v2/Users/"+ana, `{"Operations":[{"op":"replace","path":"active","value":false}]}`)
		if got := reason(); got != sashlock.PersonSuspended {
			t.Errorf("not active: %s", got)
		}
		d.ask("PATCH", "/scim/v2/Users/"+ana, `{"Operations":[{"op":"replace","path":"active","value":true}]}`)
		if reason() == sashlock.PersonSuspended {
			t.Error("active again, and refused")
		}
		d.ask("DELETE", "/scim/v2/Users/"+ana, "")
		if got := reason(); got != sashlock.PersonSuspended {
			t.Errorf("deleted: %s", got)
		}
	})
}

// What an operator suspended, a directory does not lift by saying what it
// always says.
func TestAnOperatorsSuspensionStays(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		err := r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return people.Save(tx, estate.Person{Slug: "ana", Name: "Ana Costa", Suspended: true}, roomtest.Lookup(tx), 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		_, found := d.ask("GET", "/scim/v2/Users", "")
		ana := dig(found, "Resources.0.id")
		status, answer := d.ask("PUT", "/scim/v2/Users/"+ana, `{"userName":"ana","displayName":"Ana C.","active":true}`)
		const extension = "urn:sashlock:params:scim:schemas:extension:access:2.0:User"
		if standing, _ := answer[extension].(map[string]any); status != 200 || standing["suspended"] != true || answer["active"] != true {
			t.Errorf("%d %v", status, answer)
		}
		if !r.Hall.Book().People[sashlock.PersonID(ana)].Suspended {
			t.Error("the suspension is gone")
		}
	})
}

// A directory cannot let somebody into what is worth most where that waits for a
// second operator: it is refused, and the roles wait.
func TestARoleThatWaitsIsRefused(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		r.Approvals.Others = nil // somebody always could confirm
		var waiting []people.Joining
		at := time.Now()
		d.server = scim.New(scim.Deps{
			Store: r.Store, Hall: r.Hall, Signin: r.Signin, Now: func() time.Time { at = at.Add(time.Second); return at }, Log: r.Log,
			Propose: func(_ context.Context, _ sashlock.OperatorID, joins []people.Joining) error {
				waiting = append(waiting, joins...)
				return nil
			},
		})
		_, group := d.ask("POST", "/scim/v2/Groups", `{"displayName":"Vault"}`)
		_, user := d.ask("POST", "/scim/v2/Users", `{"userName":"bo@example.com","displayName":"Bo Li"}`)
		role := r.Hall.Book().Roles[sashlock.RoleID(dig(group, "id"))]
		if err := r.Change(func(tx *store.Tx) (flow.Edit, error) {
			return grants.Save(tx, estate.Grant{Slug: "vault", Role: role.Slug, Opening: "case-1"}, roomtest.Lookup(tx), 0)
		}); err != nil {
			t.Fatal(err)
		}
		by := approvals.By{ID: "opr_1", May: func(string) bool { return true }, Sees: func(sashlock.SiteID, sashlock.AreaID) bool { return true }}
		if _, err := r.Approvals.SaveSettings(t.Context(), by, approvals.Settings{Kinds: []string{approvals.GrantKind}}, ""); err != nil {
			t.Fatal(err)
		}
		status, answer := d.ask("PATCH", "/scim/v2/Groups/"+dig(group, "id"), `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+dig(user, "id")+`"}]}]}`)
		if status != http.StatusForbidden || !strings.Contains(fmt.Sprint(answer["detail"]), "second operator") {
			t.Errorf("joining: %d %v", status, answer)
		}
		if len(waiting) != 1 || len(waiting[0].Roles) != 1 || waiting[0].Roles[0] != role.Slug {
			t.Errorf("waiting: %v", waiting)
		}
		if p := r.Hall.Book().People[sashlock.PersonID(dig(user, "id"))]; len(p.Roles) != 0 {
			t.Errorf("has the roles %v", p.Roles)
		}
	})
}

func TestListOverHTTP(t *testing.T) {
	roomtest.OnEachEngine(t, func(t *testing.T, r roomtest.Room) {
		d := newDirectory(t, r)
		list := "slug,name\nbo,Bo Li\n"
		status, plan := d.ask("POST", "/v1/people/import?everyone=true", list)
		if status != 200 || plan["new"] != 1.0 || plan["leaving"] != 1.0 || plan["done"] != false {
			t.Fatalf("%d %v", status, plan)
		}
		if status, answer := d.ask("POST", "/v1/people/import?plan="+plan["plan"].(string), list); status != 409 || !strings.Contains(fmt.Sprint(answer["detail"]), "no longer what you saw") {
			t.Errorf("as another plan: %d %v", status, answer)
		}
		if status, done := d.ask("POST", "/v1/people/import?everyone=true&plan="+plan["plan"].(string), list); status != 200 || done["done"] != true {
			t.Errorf("%d %v", status, done)
		}
		if n := len(r.Hall.Book().People); n != 2 {
			t.Errorf("%d people", n)
		}
		if status, answer := d.ask("POST", "/v1/people/import", "slug,name,roles\nx,X,nothing\n"); status != 200 || answer["wrong"] != 1.0 {
			t.Errorf("%d %v", status, answer)
		}
		if status, _ := d.ask("POST", "/v1/people/import?zone=Nowhere", list); status != 400 {
			t.Errorf("a zone that there is not: %d", status)
		}
	})
}
