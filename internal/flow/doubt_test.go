// SPDX-License-Identifier: Apache-2.0

package flow_test

import (
	"testing"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/downgraded"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// A doubt about a device ends when the device is taken from the opening, and
// what was refused does not show that the device is there.
func TestDoubtsEndWithTheDevice(t *testing.T) {
	h := newHouse(t, []detect.Rule{downgraded.Rule{}})
	facts, devices := onTrial(false)
	reader := sashlock.Device{ID: "dev_2", Opening: "opn_1", Driver: "story", Gateway: "story", Address: "2"}
	h.start(facts, append(devices, reader))
	_, err := h.hall.Report(t.Context(), sashlock.Report{Kind: sashlock.ReportRefused, Reason: sashlock.LinkDowngraded, Device: "dev_2", Opening: "opn_1"})
	h.must(err)
	d, err := h.store.DeviceStates(t.Context())
	h.must(err)
	if s := h.store.StateNow("opn_1"); s.Alarms["downgraded"] == "" || len(d) > 0 {
		t.Fatalf("the alarm is missing, or the reader counts as online: %+v, %+v", s, d)
	}
	reader.Opening = ""
	_, err = h.hall.Change(t.Context(), flow.Change{Make: func(*store.Tx) (flow.Edit, error) {
		return flow.Edit{Fitted: []sashlock.Device{reader}}, nil
	}})
	h.must(err)
	h.until(h.now.Add(time.Second))
	if s := h.store.StateNow("opn_1"); s.Alarms["downgraded"] != "" || len(s.Downgraded) > 0 {
		t.Errorf("the reader is gone, the doubt is not: %+v", s)
	}
}
