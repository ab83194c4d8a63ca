// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sashlock/sashlock"
)

// hardTexts are strings that JSON writers get wrong.
var hardTexts = []string{"", "a", "opening:opn_1", `"quoted"`, `back\slash`, "<b>&amp;</b>", "line\nbreak\t\x00\x1f", "\x7f", "Größe 門 🔒", "\u2028\u2029", "broken \xff\xfe utf-8"}

// fillFields sets every field of a struct to something drawn, so that a field
// that is added later is tested without anybody thinking of it.
func fillFields(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		at := time.UnixMicro(rapid.SampledFrom([]int64{0, 1, 999_999, 1_764_000_000_123_456, 253_402_300_799_000_000}).Draw(t, "µs")).UTC()
		if rapid.IntRange(0, 5).Draw(t, "zone") == 0 {
			at = at.In(time.FixedZone("", -3600))
		}
		if rapid.Bool().Draw(t, "zero time") {
			at = time.Time{}
		}
		v.Set(reflect.ValueOf(at))
		return
	case json.RawMessage:
		v.SetBytes([]byte(rapid.SampledFrom([]string{"", "null", `{ "a" : "<x>" }`, `[1, 2]`, `"é"`}).Draw(t, "data")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.SampledFrom(hardTexts), rapid.String()).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint"))
	case reflect.Array:
		for i := range v.Len() {
			fillFields(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fillFields(t, v.Field(i))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "nil") {
			v.Set(reflect.New(v.Type().Elem()))
			fillFields(t, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "length"), 3))
		for i := range v.Len() {
			fillFields(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, "size") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fillFields(t, key)
			fillFields(t, value)
			v.SetMapIndex(key, value)
		}
	default:
		t.Fatalf("no way to fill a %v", v.Type())
	}
}

// sameAsJSON holds an encoder against encoding/json.
func sameAsJSON[T any](t *testing.T, encode func([]byte, *T) ([]byte, error)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		var v T
		fillFields(t, reflect.ValueOf(&v).Elem())
		want, wantErr := json.Marshal(v)
		got, err := encode([]byte("before"), &v)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, encoding/json says %v", err, wantErr)
		}
		if err == nil && string(got) != "before"+string(want) {
			t.Fatalf("got  %s\nwant before%s", got, want)
		}
	})
}

func TestAppendEventIsJSON(t *testing.T) { sameAsJSON[sashlock.Event](t, AppendEvent) }
func TestAppendStateIsJSON(t *testing.T) { sameAsJSON[sashlock.OpeningState](t, AppendState) }

func TestEventsThatCannotBeEncoded(t *testing.T) {
	for name, e := range map[string]sashlock.Event{
		"data that is no JSON": {Kind: sashlock.SiteSaved, Data: json.RawMessage(`{"a":`)},
		"a time after 9999":    {Kind: sashlock.SiteSaved, At: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if out, err := AppendEvent(nil, &e); err == nil {
			t.Errorf("%s: encoded as %s", name, out)
		}
	}
}

// TestAppendTime compares with package time, at borders and at random times.
func TestAppendTime(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, at time.Time) {
		want := at.Format(time.RFC3339Nano)
		if got := string(appendTime(nil, at.Unix(), at.Nanosecond())); got != want {
			t.Errorf("wrote %s, want %s", got, want)
		}
	}
	for _, year := range []int{1970, 1972, 1999, 2000, 2001, 2024, 2026, 2100, 2400, 9999} {
		for day := range 366 {
			check(t, time.Date(year, 1, 1+day%365, 23, 59, 59, 999_999_999, time.UTC))
		}
		check(t, time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC))
		check(t, time.Date(year, 2, 29, 12, 30, 0, 1_000, time.UTC))
	}
	rapid.Check(t, func(t *rapid.T) {
		unix := rapid.Int64Range(firstFast, lastFast-1).Draw(t, "unix")
		check(t, time.Unix(unix, rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC())
	})
}

func BenchmarkAppendTime(b *testing.B) {
	var buf [40]byte
	at := time.Now()
	for b.Loop() {
		appendTime(buf[:0], at.Unix(), at.Nanosecond())
	}
}
