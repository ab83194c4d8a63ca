// SPDX-License-Identifier: Apache-2.0

package estate_test

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock/internal/estate"
)

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "", time.Second: "1s", 10 * time.Second: "10s", time.Minute: "1m", 20 * time.Minute: "20m", time.Hour: "1h", 10 * time.Hour: "10h",
		90 * time.Minute: "1h30m", 90 * time.Second: "1m30s", time.Hour + time.Second: "1h0m1s", 8784 * time.Hour: "8784h", 1500 * time.Millisecond: "1.5s",
	} {
		got := estate.Length(d)
		if got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
		if again, err := time.ParseDuration(got); got != "" && (err != nil || again != d) {
			t.Errorf("%q is read as %v, %v", got, again, err)
		}
	}
}
