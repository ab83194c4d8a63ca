// SPDX-License-Identifier: Apache-2.0

package devices

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver"
)

// asked is a scripted driver whose devices can be asked.
type asked struct {
	*scripted
	answer func(sink driver.Sink, address string) error
}

func (d asked) Open(ctx context.Context, _ json.RawMessage, sink driver.Sink) (driver.Session, error) {
	d.sink = sink
	return d, nil
}

func (d asked) Read(_ context.Context, address string) error { return d.answer(d.sink, address) }

// askable gives the bench a session that can be asked.
func (b *bench) askable(answer func(driver.Sink, string) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gateways["g-1"].session = asked{b.d, answer}
}

func TestADeviceIsTestedByAskingIt(t *testing.T) {
	b := newBench(t)
	if err := b.d.sink.Found(t.Context(), lock("1", "a")); err != nil {
		t.Fatal(err)
	}
	id := string(b.kept("1").ID)
	if _, _, err := b.Test(t.Context(), "opr_1", id); !sashlock.IsKind(err, sashlock.Invalid) {
		t.Error("a session that cannot ask:", err)
	}
	b.askable(func(sink driver.Sink, address string) error {
		return errors.Join(
			sink.Heard(t.Context(), driver.Report{Address: address, Kind: sashlock.LockLocked, State: true}),
			sink.Heard(t.Context(), driver.Report{Address: "other", Kind: sashlock.LockWasJammed, State: true}),
			sink.Heard(t.Context(), driver.Report{Address: address, Kind: sashlock.BatteryReported, Level: 80, State: true}))
	})
	_, sign, err := b.Test(t.Context(), "opr_1", id)
	if err != nil || !sign.Answered || len(sign.Reports) != 2 || sign.Reports[1].Level != 80 || sign.Took > signWithin {
		t.Errorf("%+v, %v", sign, err)
	}
	b.askable(func(driver.Sink, string) error { return errors.New("no route") })
	if _, sign, err = b.Test(t.Context(), "opr_1", id); err != nil || sign.Answered || sign.Why == "" {
		t.Errorf("%+v, %v", sign, err)
	}
	if n := b.count(sashlock.DeviceTested); n != 2 || len(b.d.orders) != 0 || len(b.ears) != 0 {
		t.Errorf("%d tests recorded, %d orders sent, %d still listened to", n, len(b.d.orders), len(b.ears))
	}
	if _, _, err := b.Test(t.Context(), "opr_1", "dev_none"); !sashlock.IsKind(err, sashlock.NotFound) {
		t.Error("a device that is not there:", err)
	}
}

func TestADeviceIsReplacedWhole(t *testing.T) {
	b := newBench(t)
	for _, address := range []string{"1", "2"} {
		if err := b.d.sink.Found(t.Context(), lock(address, "a")); err != nil {
			t.Fatal(err)
		}
	}
	worn, fresh := string(b.kept("1").ID), string(b.kept("2").ID)
	if _, err := b.Replace(t.Context(), "opr_1", worn, fresh); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Error("a device that is fitted nowhere was replaced:", err)
	}
	if _, err := b.Adopt(t.Context(), "", worn, b.one); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Replace(t.Context(), "opr_1", worn, fresh); err != nil {
		t.Fatal(err)
	}
	book := b.hall.Book()
	if fitted := book.Fitted(b.one); len(fitted) != 1 || string(fitted[0].ID) != fresh || b.kept("1").Opening != "" || b.kept("2").Opening != b.one {
		t.Errorf("fitted %+v, kept %+v and %+v", fitted, b.kept("1"), b.kept("2"))
	}
	if _, err := b.Replace(t.Context(), "opr_1", worn, fresh); !sashlock.IsKind(err, sashlock.Conflict) {
		t.Error("replaced twice:", err)
	}
}
