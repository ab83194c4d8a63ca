// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func sample() resource {
	return resource{
		"id": "prs_1", "username": "Ana@Example.com", "externalid": "47x", "displayname": "Ana Costa", "active": true,
		"name": resource{"formatted": "Ana Costa"}, "empty": "",
		"groups": []any{resource{"value": "role_1", "display": "Sales"}, resource{"value": "role_2", "display": "Keys"}},
		"meta":   resource{"created": "2026-11-22T10:00:00Z"},
	}
}

func TestFilters(t *testing.T) {
	for text, want := range map[string]bool{
		`userName eq "ana@example.com"`:                                            true,
		`USERNAME Eq "ana@example.com"`:                                            true,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ana@example.com"`: true,
		`externalId eq "47X"`:                                                      false,
		`externalId eq "47x"`:                                                      true,
		`userName ne "x"`:                                                          true,
		`userName co "EXAMPLE"`:                                                    true,
		`userName sw "ana"`:                                                        true,
		`userName ew ".com"`:                                                       true,
		`userName ew ".org"`:                                                       false,
		`userName gt "a" and userName lt "b"`:                                      true,
		`userName ge "ana@example.com"`:                                            true,
		`userName le "ana@example.con"`:                                            true,
		`userName pr`:                                                              true,
		`empty pr`:                                                                 false,
		`empty eq null`:                                                            true,
		`nothing pr or active eq true`:                                             true,
		`active eq True`:                                                           true,
		`active eq "False"`:                                                        false,
		`active ne false`:                                                          true,
		`not (active eq true)`:                                                     false,
		`userName eq "x" or userName pr and active eq false`:                       false,
		`(userName eq "x" or userName pr) and active eq true`:                      true,
		`name.formatted eq "ana costa"`:                                            true,
		`groups.display eq "keys"`:                                                 true,
		`groups eq "role_2"`:                                                       true,
		`groups[value eq "role_1" and display eq "sales"]`:                         true,
		`groups[value eq "role_1" and display eq "keys"]`:                          false,
		`not (groups[display eq "x"]) and active eq true`:                          true,
		`meta.created gt "2026-11-22T12:00:00+03:00"`:                              true,
		`meta.created lt "2026-11-22T12:00:00+03:00"`:                              false,
		`displayName eq "Ana \u0043osta"`:                                          true,
	} {
		f, err := parseFilter(text, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f.match(sample()); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestFiltersThatDoNotParse(t *testing.T) {
	for _, text := range []string{
		"", " ", "userName", "userName eq", `userName eq "x`, `userName eq x`, `userName is "x"`, `userName eq "x" and`, `and`, `(`, `()`, `userName eq "x")`,
		`not userName pr`, `userName eq "x" userName eq "y"`, `groups[value eq "x"`, `a.b[c pr]`, `groups[]`, `userName eq {"a":1}`, `userName gt true`,
		`active gt null`, `.x pr`, `x. pr`, `userName eq "a\u0000b"`, strings.Repeat("(", 500) + "a pr" + strings.Repeat(")", 500), strings.Repeat("a", 5000) + " pr", "\xff eq 1",
		`emails eq "x"`, `groups[colour eq "x"]`, `password sw "a"`,
	} {
		f, err := parseFilter(text, knownOfUsers)
		var refusal *fault
		if !errors.As(err, &refusal) || refusal.kind != "invalidFilter" || refusal.status != 400 || refusal.detail == "" {
			t.Errorf("%.40q: %v, %v", text, f, err)
		}
	}
}

func TestPaths(t *testing.T) {
	for text, want := range map[string]string{
		"active": "active", "name.familyName": "name.familyname", "members": "members", `members[value eq "x"]`: "members", `emails[type eq "work"].value`: "emails.value",
		"urn:ietf:params:scim:schemas:core:2.0:Group:members":                   "members",
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department",
	} {
		got, err := parsePath(text)
		if err != nil || got.name != want || (got.filter != nil) != strings.Contains(text, "[") {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "[", "members[", "members[value eq]", "members x", `a.b.[c pr]`, `members[value eq "x"].`, `members[value eq "x"]x`} {
		var refusal *fault
		if got, err := parsePath(text); !errors.As(err, &refusal) || refusal.kind != "invalidPath" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// What narrows a search down must never leave out somebody who matches.
func TestExactHoldsForNobodyElse(t *testing.T) {
	for text, want := range map[string]string{
		`userName eq "a"`: "a", `active eq true and userName eq "a"`: "a", `(userName eq "a") and active eq true`: "a",
		`userName eq "a" or active eq true`: "", `not (userName eq "a")`: "", `userName ne "a"`: "", `name.userName eq "a"`: "",
	} {
		f, err := parseFilter(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := exact(f, "username"); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`userName eq "a"`, `not (a pr) and (b.c co "x" or d[e eq true].f)`, `a eq -1.5e3`, `a eq "\"\\"`, `((((`, `members[value eq "x"]`, "a\x00pr", `x eq "é`,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "A"`, `a eq null and b ne null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseFilter(text, nil)
		if err == nil {
			_ = parsed.match(sample())
			_ = parsed.match(resource{})
			if again, err := parseFilter("("+text+")", nil); err == nil && again.match(sample()) != parsed.match(sample()) {
				t.Errorf("%q means something else in parentheses", text)
			}
		} else if !utf8.ValidString(err.Error()) || len(err.Error()) > 2*maxFilter {
			t.Errorf("%q: %q", text, err)
		}
		if to, err := parsePath(text); err == nil && to.name == "" {
			t.Errorf("%q leads nowhere", text)
		}
	})
}
