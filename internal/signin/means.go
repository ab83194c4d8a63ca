// SPDX-License-Identifier: Apache-2.0

package signin

import "github.com/sashlock/sashlock"

// How somebody signed in, as sessions and the ledger have it.
const (
	ByPasskey   = "passkey"
	ByCode      = "recovery code"
	ByLink      = "link"
	ByPassword  = "password and one-time code"
	BySSO       = "single sign-on"
	BySSOStrong = "single sign-on, phishing-resistant"
	ByDemo      = "demo" // a visitor of the demo plays somebody
)

// Privileged reports whether a role can change something or open something for
// others. Who has it needs a passkey, or single sign-on that says of itself
// that it was as good as one.
func (r Role) Privileged() bool { return r != Auditor && r != Associate }

// Weak reports whether a way to sign in can be phished: it never reaches what a
// privileged role may do.
func Weak(means string) bool { return means == ByPassword || means == BySSO }

// tooWeak is the refusal of a privileged role that came in by a weak way.
func tooWeak(means string, r Role) error {
	if !Weak(means) || !r.Privileged() {
		return nil
	}
	return &sashlock.Error{Kind: sashlock.Denied, Op: "signing in", Subject: "role", Hint: "this role needs a passkey"}
}
