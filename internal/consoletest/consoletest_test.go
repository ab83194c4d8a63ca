// SPDX-License-Identifier: Apache-2.0

package consoletest_test

import (
	"net/http"
	"testing"

	"github.com/sashlock/sashlock/internal/consoletest"
	"github.com/sashlock/sashlock/internal/signin"
)

func TestEveryRoleSeesWhatItMay(t *testing.T) {
	c := consoletest.New(t)
	for role, want := range map[signin.Role]int{
		signin.Owner: http.StatusOK, signin.Manager: http.StatusOK, signin.Protection: http.StatusOK,
		signin.Engineer: http.StatusOK, signin.Auditor: http.StatusOK, signin.Associate: http.StatusForbidden, "": http.StatusSeeOther,
	} {
		status, page := c.As(role).Get("/")
		if status != want {
			t.Errorf("%q gets %d, not %d:\n%s", role, status, want, consoletest.Words(page))
		}
		if status == http.StatusOK {
			c.Sees(page, "Lisbon flagship", "Case 1")
		}
	}
	if status, _ := c.As(signin.Manager).Get("/?site=porto"); status != http.StatusForbidden {
		t.Errorf("the manager of Lisbon gets %d for Porto", status)
	}
}
