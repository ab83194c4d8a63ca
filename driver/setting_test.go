// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock"
)

func TestWhatIsTypedBecomesAValue(t *testing.T) {
	taken := []struct {
		kind  SettingKind
		typed string
		want  any
	}{
		{SettingText, "  word ", "word"}, {SettingText, " ", nil}, {SettingSecretEnv, "A_WORD", "A_WORD"},
		{SettingNumber, "42", int64(42)}, {SettingDuration, "1m30s", "1m30s"},
		{SettingYesNo, "yes", true}, {SettingYesNo, "no", nil}, {SettingChoice, "a", "a"},
		{SettingList, "one\r\n\n two \n", []string{"one", "two"}}, {SettingRows, "x", nil},
	}
	for _, test := range taken {
		got, err := Setting{Key: "k", Kind: test.kind, Choices: []Choice{{"a", "First"}}}.Value(test.typed)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s %q: %v\n%s", test.kind, test.typed, err, diff)
		}
	}
	for kind, typed := range map[SettingKind][]string{
		SettingNumber: {"4e2", "99999999999999999999"}, SettingDuration: {"90"}, SettingYesNo: {"on"}, SettingChoice: {"b"},
	} {
		for _, one := range typed {
			got, err := Setting{Key: "k", Kind: kind, Choices: []Choice{{"a", "First"}}}.Value(one)
			if e, is := errors.AsType[*sashlock.Error](err); !is || e.Kind != sashlock.Invalid || e.Subject != "k" || e.Hint == "" {
				t.Errorf("%s %q: %v, %v", kind, one, got, err)
			}
		}
	}
	if off, err := (Setting{Key: "k", Kind: SettingYesNo, Default: "yes"}).Value("no"); off != false || err != nil {
		t.Errorf("no where yes is usual: %v, %v", off, err)
	}
}

// A configuration that was read is shown as it was typed.
func TestTypedIsTheInverseOfValue(t *testing.T) {
	for kind, typed := range map[SettingKind]string{
		SettingText: "word", SettingNumber: "123456789", SettingDuration: "10s", SettingYesNo: "yes", SettingList: "one\ntwo",
	} {
		s := Setting{Key: "k", Kind: kind}
		value, err := s.Value(typed)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(value)
		var again any
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if s.Typed(value) != typed || s.Typed(again) != typed {
			t.Errorf("%s: %q came back as %q and %q", kind, typed, s.Typed(value), s.Typed(again))
		}
	}
	if got := (Setting{}).Typed(map[string]any{}); got != "" {
		t.Errorf("what nobody typed: %q", got)
	}
}

func TestTextsAreAllThatPeopleRead(t *testing.T) {
	m, err := ReadManifest([]byte(goodManifest))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Z-Wave", "Z-Wave locks through a Z-Wave JS server.", "Address", "Mode", "Which of two.", "First", "Second", "Readers", "Number", "Secure"}
	if diff := cmp.Diff(want, m.Texts()); diff != "" {
		t.Error(diff)
	}
	for _, s := range m.Config {
		if s.Kind != SettingRows && s.Sample() == "" {
			t.Errorf("%s has no sample", s.Key)
		}
	}
	if !slices.Contains(settingKinds, SettingRows) || len(settingKinds) != 14 {
		t.Error("a kind is not listed")
	}
}
