// SPDX-License-Identifier: Apache-2.0

package gateways_test

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/gateways"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

const home = "/gateways"

func page(t *testing.T, c *consoletest.Counter, path string) string {
	t.Helper()
	status, text := c.Get(path)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, consoletest.Words(text))
	}
	return text
}

func kept(t *testing.T, c *consoletest.Counter) (all []gateways.Gateway) {
	t.Helper()
	c.Must(c.Store.View(t.Context(), func(q store.Query) (err error) { all, err = gateways.List(q); return err }))
	return all
}

// edge is the form of a gateway of the kind that needs nobody else to be there.
func edge(name, rev string) url.Values {
	return url.Values{"driver": {"edge"}, "name": {name}, "rev": {rev}, "set.listen": {"127.0.0.1:0"}, "set.clear": {"yes"}}
}

func TestSettingUpAGateway(t *testing.T) {
	c := consoletest.New(t)
	c.Sees(page(t, c, home), "sim", "The program itself", "Connected for", "5 devices", "4 at openings", "New gateway")
	c.Sees(page(t, c, home+"/new"), "What is to be reached?", "Z-Wave", "Zigbee", "Our own devices")
	c.Sees(page(t, c, home+"/new?driver=zigbee2mqtt"), "Address of the broker", "Usually zigbee2mqtt.", "File with the password", "Passwords are never typed here", "The folder holds nothing yet.")

	if status, to, text := c.Post(home+"/save", edge("till", "0")); status != http.StatusSeeOther || to != home+"?saved=till" {
		t.Fatal(status, to, consoletest.Words(text))
	}
	c.Until("it is connected", func() bool {
		return strings.Contains(consoletest.Words(page(t, c, home)), "till Our own devices Connected for")
	})
	c.Sees(page(t, c, home+"?saved=till"), "Saved. The connection of till is made anew")
	c.Sees(page(t, c, home+"/till"), "Copy as YAML", "driver: edge", "listen: 127.0.0.1:0", "Remove till")

	form := edge("till", "1")
	form.Set("set.site", "lisbon")
	if status, _, text := c.Post(home+"/save", form); status != http.StatusSeeOther {
		t.Fatal(status, consoletest.Words(text))
	}
	if all := kept(t, c); len(all) != 1 || all[0].Rev != 2 || all[0].Config["site"] != "lisbon" || all[0].Config["clear"] != true {
		t.Fatalf("kept: %+v", all)
	}
	status, _, text := c.Post(home+"/save", edge("till", "1"))
	if status != http.StatusConflict {
		t.Error("a form that was made from an older one:", status)
	}
	c.Sees(text, "Somebody else changed this gateway while you did", "site: lisbon")

	if status, _, _ := c.Post(home+"/till/remove", url.Values{"rev": {"1"}}); status != http.StatusConflict {
		t.Error("removed, although it was changed:", status)
	}
	if status, to, _ := c.Post(home+"/till/remove", url.Values{"rev": {"2"}}); status != http.StatusSeeOther || to != home {
		t.Error(status, to)
	}
	if len(kept(t, c)) != 0 || strings.Contains(page(t, c, home), "till") {
		t.Error("it is still there")
	}
	status, _, text = c.Post(home+"/save", edge("till", "2"))
	c.Sees(text, "Somebody else removed this gateway while you changed it")
	if status != 422 && status != http.StatusConflict {
		t.Error(status)
	}
	events, err := c.Store.Events(t.Context(), store.EventQuery{Kind: string(sashlock.GatewayRemoved)})
	if err != nil || len(events) != 1 || events[0].Operator == "" {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestWhatIsWrongStandsNextToItsField(t *testing.T) {
	c := consoletest.New(t)
	hostile := `"><script>alert(1)</script>` + strings.Repeat("x", 9000)
	for name, test := range map[string]struct {
		form url.Values
		sees []string
	}{
		"nothing":          {url.Values{"driver": {"zwavejs"}, "name": {"radio-1"}}, []string{`id="url-wrong"`, "give the address of the Z-Wave JS server"}},
		"no name":          {edge("", "0"), []string{`id="name-wrong"`, "use 1 to 40 of a-z, 0-9 and hyphens"}},
		"a name in use":    {edge("sim", "0"), []string{`id="name-wrong"`, "another gateway has this name"}},
		"no number":        {url.Values{"driver": {"zigbee2mqtt"}, "name": {"z"}, "set.broker": {"tcp://127.0.0.1:1"}, "set.slots": {"many"}}, []string{`id="slots-wrong"`, "write a whole number", `value="many"`}},
		"a missing file":   {url.Values{"driver": {"zigbee2mqtt"}, "name": {"z"}, "set.broker": {"tcp://127.0.0.1:1"}, "set.user": {"u"}, "set.password_file": {"../keys/ledger"}}, []string{`id="password_file-wrong"`, "without its path", `value="u"`}},
		"two passwords":    {url.Values{"driver": {"zigbee2mqtt"}, "name": {"z"}, "set.broker": {"tcp://127.0.0.1:1"}, "set.user": {"u"}, "set.password_file": {"word"}, "set.password_env": {"SASHLOCK_GATEWAY_WORD"}}, []string{`id="password_file-wrong"`, "not in both"}},
		"hostile":          {url.Values{"driver": {"zwavejs"}, "name": {hostile}, "set.url": {hostile}}, []string{"&#34;&gt;&lt;script&gt;", "name-wrong"}},
		"one name of many": {url.Values{"driver": {"edge"}, "name": {"e"}, "set.listen": {"127.0.0.1:0"}, "set.names": {"good\n" + strings.Repeat("x", 300)}}, []string{`id="names-wrong"`, "write a host name or an address"}},
	} {
		c.Must(os.MkdirAll(filepath.Join(c.Config.Data, "secrets"), 0o700))
		c.Must(os.WriteFile(filepath.Join(c.Config.Data, "secrets", "word"), nil, 0o600))
		for _, act := range []string{"/save", "/try"} {
			if act == "/try" && strings.Contains(name, "name") && !strings.Contains(name, "many") {
				continue // a try needs none
			}
			status, _, text := c.Post(home+act, test.form)
			if act == "/try" && name == "hostile" {
				test.sees = test.sees[:1]
			}
			for _, want := range test.sees {
				if !strings.Contains(text, want) {
					t.Errorf("%s, %s: %q is not on the page", name, act, want)
				}
			}
			if status != http.StatusUnprocessableEntity || strings.Contains(text, "<script>alert") {
				t.Errorf("%s, %s: %d", name, act, status)
			}
		}
	}
	if len(kept(t, c)) != 0 {
		t.Error("something of it was kept")
	}
	for _, act := range []string{"/save", "/try"} {
		for _, name := range []string{"none", "", `"><script>alert(1)</script>`} {
			status, _, text := c.Post(home+act, url.Values{"driver": {name}})
			if status != http.StatusUnprocessableEntity || !strings.Contains(text, "Driver: there is none that is called") || !strings.Contains(text, "What is to be reached?") || strings.Contains(text, "<script>alert") {
				t.Errorf("%s, a driver %q that does not exist: %d", act, name, status)
			}
		}
	}
}

func TestATestSaysWhatItFoundAndKeepsNothing(t *testing.T) {
	c := consoletest.New(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	c.Must(err)
	c.Must(closed.Close())
	status, _, text := c.Post(home+"/try", url.Values{"driver": {"zwavejs"}, "name": {"radio-1"}, "set.url": {"ws://" + closed.Addr().String()}})
	if status != http.StatusOK {
		t.Error(status)
	}
	c.Sees(text, "Not reached", "connection refused", "Is the address right", "Nothing of this was kept")
	if !strings.Contains(text, `value="radio-1"`) || !strings.Contains(text, closed.Addr().String()) {
		t.Error("what was typed is gone")
	}
	status, _, text = c.Post(home+"/try", edge("", "0"))
	if status != http.StatusOK {
		t.Error(status)
	}
	c.Sees(text, "Reached, and found 0 devices", "Pair one there")
	if len(kept(t, c)) != 0 || strings.Contains(consoletest.Words(page(t, c, home)), "Our own") {
		t.Error("something was kept")
	}
}

func TestWhoMay(t *testing.T) {
	c := consoletest.New(t)
	for _, role := range signin.Roles() {
		if role == signin.Owner {
			continue
		}
		c.As(role) // all but the owner are for one store
		for _, path := range []string{home, home + "/new", home + "/till"} {
			if status, _ := c.Get(path); status != http.StatusForbidden {
				t.Errorf("%s sees %s: %d", role, path, status)
			}
		}
		for _, act := range []string{"/save", "/try", "/till/remove"} {
			if status, _, _ := c.Post(home+act, edge("till", "0")); status != http.StatusForbidden {
				t.Errorf("%s may %s: %d", role, act, status)
			}
		}
	}
	c.As(signin.Owner)
	c.Proved(signin.Owner, 2*signin.FreshFor)
	for _, act := range []string{"/save", "/try"} {
		status, _, text := c.Post(home+act, edge("till", "0"))
		if status != http.StatusForbidden || !strings.Contains(text, `value="till"`) || !strings.Contains(text, "/signin/again") {
			t.Errorf("%s without a fresh proof: %d", act, status)
		}
	}
	if status, to, _ := c.Post(home+"/till/remove", url.Values{}); status != http.StatusSeeOther || !strings.HasPrefix(to, "/signin/again") {
		t.Error("removing without a fresh proof:", status, to)
	}
	if len(kept(t, c)) != 0 {
		t.Error("something was kept")
	}
}

func TestInSpanish(t *testing.T) {
	c := consoletest.New(t)
	_, text := c.Send(http.MethodGet, home+"/new?driver=zigbee2mqtt", http.Header{"Accept-Language": {"es"}}, nil)
	c.Sees(text, "Nueva pasarela", "Dirección del bróker", "Archivo con la contraseña", "Guardar y conectar")
}
