// SPDX-License-Identifier: Apache-2.0

package settings

import "testing"

func TestPlainly(t *testing.T) {
	for value, want := range map[string]string{
		"Night cleaning":         "Night cleaning",
		"":                       "",
		"true":                   "true",
		`["cash","cleaner"]`:     "cash, cleaner",
		`{"uses":2,"two":true}`:  "uses 2, two true",
		`[]`:                     "",
		`[1,null,{"a":[]}]`:      "1, –, a ",
		`[{"days":["mon","tue"]`: `[{"days":["mon","tue"]`, // not whole
		`["a"] and more`:         `["a"] and more`,
		`[{"days":["mon","tue"],"from":"22:00","until":"02:00"}]`:                 "days mon, tue; from 22:00; until 02:00",
		`[{"from":"08:00","until":"12:00"},{"from":"13:00","until":"18:00"}]`:     "from 08:00, until 12:00; from 13:00, until 18:00",
		`[{"days":["mon"],"from":"08:00"},{"days":["sat","sun"],"from":"09:00"}]`: "days mon, from 08:00; days sat, sun; from 09:00",
	} {
		if got := plainly(value); got != want {
			t.Errorf("%s\n got %q\nwant %q", value, got, want)
		}
	}
}
