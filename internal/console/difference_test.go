// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock/internal/console"
)

func TestDifferenceOfTexts(t *testing.T) {
	shown := func(old, now string) string {
		var b strings.Builder
		for _, l := range console.Difference(old, now) {
			b.WriteString(l.Sign + l.Text + "\n")
		}
		return b.String()
	}
	for _, c := range []struct{ old, now, want string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\nc\n", "a\nx\nc\n", " a\n−b\n+x\n c\n"},
		{"", "a", "−\n+a\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\n5\n6\n7\n8\nx", " 7\n 8\n−9\n+x\n"},
		{"x\n1\n2\n3\n4\n5\n6\ny", "X\n1\n2\n3\n4\n5\n6\nY", "−x\n+X\n 1\n 2\n …\n 5\n 6\n−y\n+Y\n"},
	} {
		if diff := cmp.Diff(c.want, shown(c.old, c.now)); diff != "" {
			t.Errorf("%q and %q: %s", c.old, c.now, diff)
		}
	}
	long := strings.Repeat("line\n", 100_000)
	if got := console.Difference(long, long+"more"); len(got) > 2*400 {
		t.Errorf("%d lines of a long text", len(got))
	}
}
