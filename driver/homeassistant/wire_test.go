// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTemplates(t *testing.T) {
	const payload = `{"state":"LOCK","contact":false,"lock":{"state":"open","a b":1.50},"none":null,"list":[1]}`
	for text, want := range map[string]string{
		"":                                payload,
		"{{ value }}":                     payload,
		"{{value}}":                       payload,
		"{{ value_json.state }}":          "LOCK",
		"{{value_json.state}}":            "LOCK",
		"{{- value_json.state -}}":        "LOCK",
		`{{ value_json["state"] }}`:       "LOCK",
		`{{ value_json['state'] }}`:       "LOCK",
		"{{ value_json.contact }}":        "False",
		"{{ value_json.lock.state }}":     "open",
		`{{ value_json.lock["a b"] }}`:    "1.50",
		"{{ value_json.none }}":           "(none)",
		"{{ value_json.nowhere }}":        "(none)",
		"{{ value_json.state.deeper }}":   "(none)",
		"{{ value_json.lock }}":           "(none)",
		"{{ value_json }}":                "(program)",
		"{{ value_json.state | upper }}":  "(program)",
		"{{ value_json.battery | int }}":  "(program)",
		"{% if value %}LOCKED{% endif %}": "(program)",
		"{{ value_json.list[0] }}":        "(program)",
		`{{ value_json["a\"b"] }}`:        "(program)",
		"x {{ value_json.state }}":        "(program)",
		"{{ value_json.state }} x":        "(program)",
		"{{ states('lock.x') }}":          "(program)",
		"{{ value_json" + strings.Repeat(".a", maxSteps+1) + " }}": "(program)",
	} {
		got := "(program)"
		if tpl, ok := readTemplate(text); ok {
			if got, ok = tpl.of([]byte(payload)); !ok {
				got = "(none)"
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// read reads one announcement of one entity.
func read(t *testing.T, topic, text string) entity {
	t.Helper()
	place, ok := placeOf("homeassistant", topic)
	if !ok {
		t.Fatalf("%s is no place", topic)
	}
	list, err := decodeAnnouncement(topic, place, []byte(text))
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %+v, %v", topic, list, err)
	}
	return list[0]
}

// TestAbbreviations: short and long keys, with and without a base topic, mean
// the same.
func TestAbbreviations(t *testing.T) {
	const topic = "homeassistant/lock/shop/case1/config"
	brief := read(t, topic, `{"~":"shop/case1","name":"Bolt","uniq_id":"c1","stat_t":"~/state","cmd_t":"set/~","stat_locked":"zu","stat_unlocked":"auf","stat_jam":"klemmt",
	 "pl_lock":"ZU","pl_unlk":"AUF","val_tpl":"{{ value_json.s }}","avty":[{"t":"~/here","pl_avail":1,"pl_not_avail":0,"val_tpl":"{{ value_json.h }}"},{"t":"all/here"}],"avty_mode":"all",
	 "dev":{"ids":"d1","mf":"Maker","mdl":"Long name","mdl_id":"M1","name":"Case 1","sw":"1.2"}}`)
	full := read(t, topic, `{"name":"Bolt","unique_id":"c1","state_topic":"shop/case1/state","command_topic":"set/shop/case1","state_locked":"zu","state_unlocked":"auf","state_jammed":"klemmt",
	 "payload_lock":"ZU","payload_unlock":"AUF","value_template":"{{ value_json.s }}","availability":[{"topic":"shop/case1/here","payload_available":"1","payload_not_available":"0","value_template":"{{ value_json.h }}"},{"topic":"all/here"}],"availability_mode":"all",
	 "device":{"identifiers":["d1"],"manufacturer":"Maker","model":"Long name","model_id":"M1","name":"Case 1","sw_version":"1.2"}}`)
	if diff := cmp.Diff(full, brief, cmp.AllowUnexported(template{})); diff != "" {
		t.Errorf("long (-) and short (+):\n%s", diff)
	}
	want := entity{
		Key: topic, Role: isLock, Address: "lock.c1", Group: "d1", Name: "Case 1 Bolt", Maker: "Maker", Model: "M1", Firmware: "1.2",
		State: "shop/case1/state", Value: template{[]string{"s"}}, Command: "set/shop/case1", Mode: "all",
		Words:    words{Locked: "zu", Unlocked: "auf", Jammed: "klemmt", DoLock: "ZU", DoUnlock: "AUF", On: "ON", Off: "OFF"},
		Presence: []availability{{"shop/case1/here", template{[]string{"h"}}, "1", "0"}, {"all/here", template{}, "online", "offline"}},
	}
	if diff := cmp.Diff(want, full, cmp.AllowUnexported(template{})); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// TestNotUnderstood: what is announced in a way nobody here runs is said.
func TestNotUnderstood(t *testing.T) {
	for name, test := range map[string]struct {
		text           string
		state, command bool
		weak           string
	}{
		"a program": {`{"stat_t":"a","cmd_t":"b","val_tpl":"{{ value_json.x | lower }}"}`, false, true, "value_template"},
		"a code":    {`{"stat_t":"a","cmd_t":"b","code_format":"^\\d{4}$"}`, true, false, "code"},
		"a command": {`{"stat_t":"a","cmd_t":"b","cmd_tpl":"{\"v\":\"{{ value }}\"}"}`, true, false, "command_template"},
		"presence":  {`{"stat_t":"a","cmd_t":"b","avty_t":"c","avty_tpl":"{{ 1 if value else 0 }}"}`, true, true, "whether it can be reached"},
		"a topic":   {`{"stat_t":"a/#","cmd_t":"b"}`, false, true, "topic"},
		"no state":  {`{"cmd_t":"b"}`, false, true, "never said to be locked"},
		"no avty":   {`{"stat_t":"a","cmd_t":"b"}`, true, true, "may be old"},
	} {
		e := read(t, "homeassistant/lock/x/config", test.text)
		d := discover(e, false, false, false, false)
		if (e.State != "") != test.state || (e.Command != "") != test.command || !strings.Contains(d.Weak, test.weak) {
			t.Errorf("%s: state %q, command %q, weak %q", name, e.State, e.Command, d.Weak)
		}
	}
}

func TestWhatIsOfUse(t *testing.T) {
	for place, test := range map[string]struct {
		text string
		want role
	}{
		"lock/x":                 {`{}`, isLock},
		"binary_sensor/x":        {`{"dev_cla":"window"}`, isDoor},
		"binary_sensor/n/x":      {`{"device_class":"occupancy"}`, isMotion},
		"binary_sensor/o/y":      {`{"device_class":"lock"}`, noUse},
		"binary_sensor/n/z":      {`{"device_class":"tamper"}`, isTamper},
		"sensor/x":               {`{"device_class":"battery","unit_of_measurement":"%"}`, isCharge},
		"sensor/y":               {`{"device_class":"battery","unit_of_measurement":"V"}`, noUse},
		"event/x":                {`{"device_class":"doorbell"}`, isPress},
		"event/y":                {`{"device_class":"motion"}`, noUse},
		"device_automation/n/x":  {`{"atype":"trigger","type":"button_short_press","stype":"button_1","t":"a","pl":"on"}`, isPress},
		"device_automation/n/y":  {`{"atype":"trigger","type":"action","stype":"single","t":"a","pl":"single"}`, isPress},
		"device_automation/n/z":  {`{"atype":"trigger","type":"action","stype":"unlock","t":"a","pl":"unlock"}`, noUse},
		"light/x":                {`{}`, noUse},
		"alarm_control_panel/x":  {`{}`, noUse},
		"button/restart/restart": {`{}`, noUse},
		"binary_sensor/ours":     {`{"device_class":"door","origin":{"name":"Sashlock"}}`, noUse},
	} {
		topic := "homeassistant/" + place + "/config"
		at, ok := placeOf("homeassistant", topic)
		list, err := decodeAnnouncement(topic, at, []byte(test.text))
		got := noUse
		if len(list) > 0 {
			got = list[0].Role
		}
		if !ok || err != nil || got != test.want {
			t.Errorf("%s %s: %d, %v, want %d", place, test.text, got, err, test.want)
		}
	}
	for _, topic := range []string{"homeassistant/config", "homeassistant/lock/config", "homeassistant/lock/a/b/c/config", "homeassistant/lock//config", "other/lock/x/config", "homeassistant/lock/x"} {
		if _, ok := placeOf("homeassistant", topic); ok {
			t.Errorf("%s is no place", topic)
		}
	}
}

// TestDeviceAnnouncement: many components at once, with what they share.
func TestDeviceAnnouncement(t *testing.T) {
	const topic = "homeassistant/device/d1/config"
	at, _ := placeOf("homeassistant", topic)
	list, err := decodeAnnouncement(topic, at, []byte(`{"dev":{"ids":"d1","mf":"Maker"},"o":{"name":"x"},"avty_t":"here","cmps":{
	 "bolt":{"p":"lock","uniq_id":"b1","cmd_t":"set","stat_t":"state"},
	 "door":{"platform":"binary_sensor","dev_cla":"door","stat_t":"door"},
	 "lamp":{"p":"light"},"gone":{"p":"lock"},"bad":7}}`))
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []string{"lock.b1", "binary_sensor.d1_door", "lock.d1_gone"} {
		e := list[i]
		if e.Address != want || e.Group != "d1" || len(e.Presence) != 1 || e.Presence[0].Topic != "here" {
			t.Errorf("component %d: %+v, want %s", i, e, want)
		}
	}
}

func TestPressesLastAWhile(t *testing.T) {
	e := read(t, "homeassistant/event/bell/config", `{"dev_cla":"doorbell","uniq_id":"bell","stat_t":"bell","evt_typ":["press","hold"]}`)
	d := newDevice()
	d.entity = e
	if told := d.hear([]byte(`{"event_type":"press"}`), true); len(told) > 0 {
		t.Error("what the broker kept of a press was told")
	}
	if told := d.hear([]byte(`{"event_type":"release"}`), false); len(told) > 0 {
		t.Error("something else was taken for a press")
	}
	if told := d.hear([]byte(`{"event_type":"press"}`), false); len(told) != 1 {
		t.Errorf("%d reports of a press", len(told))
	}
	if told := d.fade(time.Now().Add(pressLasts - time.Second)); len(told) > 0 {
		t.Error("it was over too soon")
	}
	if told := d.fade(time.Now().Add(pressLasts + time.Second)); len(told) != 1 {
		t.Errorf("%d reports that it is over", len(told))
	}
}

// TestPresence is each way of saying whether a device can be reached.
func TestPresence(t *testing.T) {
	for mode, want := range map[string][]bool{
		// online, -   online, offline   online, online   offline, online
		"all":    {false, false, true, false},
		"any":    {true, true, true, true},
		"latest": {true, false, true, true},
	} {
		d := newDevice()
		d.entity = entity{Mode: mode, Presence: []availability{{Topic: "a", Yes: "online", No: "offline"}, {Topic: "b", Yes: "online", No: "offline"}}}
		if d.reachable() {
			t.Errorf("%s: it has not said anything", mode)
		}
		for i, say := range []struct {
			which int
			word  string
		}{{0, "online"}, {1, "offline"}, {1, "online"}, {0, "offline"}} {
			if i == 3 {
				d.present(0, []byte("offline"))
				d.present(1, []byte("online"))
			} else {
				d.present(say.which, []byte(say.word))
			}
			if got := d.reachable(); got != want[i] {
				t.Errorf("%s, step %d: %t, want %t", mode, i, got, want[i])
			}
		}
		d.present(0, []byte("perhaps"))
		if got := d.reachable(); got != want[3] {
			t.Errorf("%s: a strange word changed it", mode)
		}
	}
}

func FuzzAnnouncement(f *testing.F) {
	for topic, text := range newHub().kept {
		f.Add(topic, []byte(text))
	}
	f.Add("homeassistant/device/d1/config", []byte(`{"dev":{"ids":"d1"},"avty":{"t":"x"},"cmps":{"a":{"p":"lock","~":"b","stat_t":"~"}}}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		place, ok := placeOf("homeassistant", topic)
		if !ok {
			return
		}
		list, err := decodeAnnouncement(topic, place, payload)
		if err != nil && list != nil {
			t.Error("a list and an error")
		}
		for _, e := range list {
			if e.Address == "" || strings.ContainsAny(e.Address, " /\n\x00") || e.State != "" && !isTopic(e.State) || e.Command != "" && !isTopic(e.Command) || e.Lasts < 0 || len(e.Name) > maxText {
				t.Errorf("read %+v", e)
			}
			for _, a := range e.Presence {
				if !isTopic(a.Topic) {
					t.Errorf("read %+v", a)
				}
			}
		}
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add(`{{ value_json.a["b"] }}`, []byte(`{"a":{"b":true}}`))
	f.Add(`{{ value }}`, []byte(`x`))
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		if tpl, ok := readTemplate(text); ok {
			if len(tpl.path) > maxSteps {
				t.Errorf("%q reaches %d deep", text, len(tpl.path))
			}
			tpl.of(payload)
		}
	})
}
