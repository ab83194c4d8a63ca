// SPDX-License-Identifier: Apache-2.0

package homeassistant

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// The most that is read of anything somebody else can make longer.
const (
	maxText     = 200
	maxTopic    = 500
	maxPayload  = 256 << 10
	maxEntities = 4000
	maxParts    = 100 // components of one device
)

// role is what an entity is to us.
type role int

const (
	noUse    role = iota
	isLock        // lock
	isDoor        // binary_sensor of a class that opens
	isMotion      // binary_sensor that sees people
	isPress       // event or trigger of a button
	isTamper      // binary_sensor of class tamper: belongs to others
	isCharge      // sensor of class battery: belongs to others
)

// main reports whether such an entity is a device here; the others say
// something about the devices beside them.
func (r role) main() bool { return r == isLock || r == isDoor || r == isMotion || r == isPress }

// entity is one thing that announced itself.
type entity struct {
	Key      string // its place among the announcements
	Role     role
	Address  string // component and identifier: "lock.0x00158d…"
	Group    string // what it is a part of; empty: not said
	Name     string
	Maker    string
	Model    string
	Firmware string

	State    string   // topic; empty: it tells nothing
	Value    template // of what comes there
	Command  string   // topic; empty: it takes no orders
	Words    words
	Presence []availability
	Mode     string        // of several availabilities: all, any or latest
	Lasts    time.Duration // how long something seen lasts without another word; 0: until it is taken back
	Strange  string        // what of it is not understood, in words
}

// words are what an entity says and is told.
type words struct {
	Locked, Unlocked, Jammed string
	Halfway                  string // a bolt between locked and unlocked; empty: there is no word for it
	DoLock, DoUnlock         string
	On, Off                  string
	Presses                  []string // what counts as a press; empty: anything
}

// availability is where an entity says whether it can be reached.
type availability struct {
	Topic   string
	Value   template
	Yes, No string
}

// long are the full names of the keys that are used here, by their
// abbreviations.
var long = map[string]string{
	"atype": "automation_type", "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic", "avty_tpl": "availability_template",
	"cmd_t": "command_topic", "cmd_tpl": "command_template", "cmps": "components", "cod_form": "code_format", "dev": "device", "dev_cla": "device_class",
	"evt_typ": "event_types", "ids": "identifiers", "cns": "connections", "mdl": "model", "mdl_id": "model_id", "mf": "manufacturer", "o": "origin",
	"obj_id": "object_id", "off_dly": "off_delay", "p": "platform", "pl": "payload",
	"pl_avail": "payload_available", "pl_not_avail": "payload_not_available", "pl_lock": "payload_lock", "pl_unlk": "payload_unlock",
	"pl_off": "payload_off", "pl_on": "payload_on", "stat_jam": "state_jammed", "stat_locked": "state_locked", "stat_unlocked": "state_unlocked",
	"stat_t": "state_topic", "stype": "subtype", "sw": "sw_version", "t": "topic", "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement",
	"val_tpl": "value_template",
}

// object is a JSON object with the keys written out.
type object map[string]json.RawMessage

func readObject(text []byte) (object, bool) {
	var raw map[string]json.RawMessage
	if len(text) > maxPayload || json.Unmarshal(text, &raw) != nil || raw == nil {
		return nil, false
	}
	o := make(object, len(raw))
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		name := key
		if full := long[key]; full != "" {
			name = full
		}
		if _, twice := o[name]; !twice || name == key {
			o[name] = raw[key] // written out goes before abbreviated
		}
	}
	return o, true
}

// text returns a value as Home Assistant makes text of it: true is "True".
func (o object) text(key string) string {
	s, _ := asText(o[key])
	return s
}

// or returns a value as text, or what counts without it.
func (o object) or(key, usual string) string {
	if s, ok := asText(o[key]); ok {
		return s
	}
	return usual
}

// topic returns a topic, with the base in the place of "~".
func (o object) topic(key string) string {
	t := o.text(key)
	base := o.text("~")
	if rest, ok := strings.CutPrefix(t, "~"); ok {
		t = base + rest
	} else if rest, ok := strings.CutSuffix(t, "~"); ok {
		t = rest + base
	}
	return t
}

// asText makes text of a JSON value; ok is false for none.
func asText(raw json.RawMessage) (text string, ok bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0, bytes.Equal(raw, []byte("null")):
		return "", false
	case bytes.Equal(raw, []byte("true")):
		return "True", true
	case bytes.Equal(raw, []byte("false")):
		return "False", true
	case raw[0] == '"':
		if json.Unmarshal(raw, &text) != nil {
			return "", false
		}
		return text, true
	case raw[0] == '{', raw[0] == '[':
		return "", false
	}
	return string(raw), true
}

// errShape is the error for an announcement that cannot be read. It holds
// nothing of it.
var errShape = errors.New("the announcement has an unknown shape")

// announcement is the place of an announcement: homeassistant/lock/node/lock/config.
type announcement struct {
	Component string
	ID        string
}

// placeOf reads a topic below the prefix.
func placeOf(prefix, topic string) (announcement, bool) {
	rest, ok := strings.CutPrefix(topic, prefix+"/")
	rest, ok2 := strings.CutSuffix(rest, "/config")
	parts := strings.Split(rest, "/")
	if !ok || !ok2 || len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return announcement{}, false
	}
	return announcement{parts[0], strings.Join(parts[1:], "_")}, true
}

// ownOrigin is the name under which Sashlock itself announces openings: they are
// no devices to it.
const ownOrigin = "Sashlock"

// decodeAnnouncement reads what announces itself at a topic: one entity, or the
// components of a device. What is of no use here is left out.
func decodeAnnouncement(topic string, place announcement, payload []byte) ([]entity, error) {
	o, ok := readObject(payload)
	if !ok {
		return nil, errShape
	}
	if by, _ := readObject(o["origin"]); by.text("name") == ownOrigin {
		return nil, nil
	}
	if place.Component != "device" {
		if e, ok := readEntity(topic, place, o); ok {
			return []entity{e}, nil
		}
		return nil, nil
	}
	var parts map[string]json.RawMessage
	if json.Unmarshal(o["components"], &parts) != nil || len(parts) > maxParts {
		return nil, errShape
	}
	var list []entity
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		part, ok := readObject(parts[key])
		if !ok {
			continue
		}
		// What holds for all of them stands beside them.
		for name, value := range o {
			if _, has := part[name]; !has && name != "components" && name != "platform" && name != "unique_id" && name != "name" {
				part[name] = value
			}
		}
		if e, ok := readEntity(topic+"#"+key, announcement{part.text("platform"), place.ID + "_" + key}, part); ok {
			list = append(list, e)
		}
	}
	return list, nil
}

func readEntity(key string, place announcement, o object) (entity, bool) {
	e := entity{
		Key: key, Role: roleOf(place.Component, o), State: o.topic("state_topic"), Command: o.topic("command_topic"),
		Mode: o.or("availability_mode", "latest"),
	}
	if e.Role == noUse {
		return entity{}, false
	}
	id := o.or("unique_id", place.ID)
	if id == "" || len(id) > maxText {
		return entity{}, false
	}
	e.Address = clean(place.Component + "." + id)
	e.describe(o)
	e.speak(o)
	e.Presence = presenceOf(o)
	var ok bool
	if e.Value, ok = readTemplate(o.text("value_template")); !ok {
		e.State, e.Strange = "", "its value_template is more than a value_json.x"
	}
	e.trust(o)
	if o.text("command_template") != "" || o.text("code_format") != "" {
		e.Command, e.Strange = "", "it wants a command_template or a code with each order"
	}
	e.Presence = slices.DeleteFunc(e.Presence, func(a availability) bool {
		if a.Topic == "" {
			e.Strange = "how it says whether it can be reached is more than a value_json.x"
		}
		return a.Topic == ""
	})
	for _, t := range []*string{&e.State, &e.Command} {
		if *t != "" && !isTopic(*t) {
			*t, e.Strange = "", "its topic is none"
		}
	}
	return e, true
}

// describe takes over what the entity is a part of.
func (e *entity) describe(o object) {
	d, _ := readObject(o["device"])
	e.Maker, e.Firmware = short(d.text("manufacturer")), short(d.text("sw_version"))
	e.Model = first(d.text("model_id"), d.text("model"))
	e.Name = first(o.text("name"), d.text("name"))
	if name, part := short(d.text("name")), short(o.text("name")); name != "" && part != "" && name != part {
		e.Name = short(name + " " + part)
	}
	var ids []string
	if json.Unmarshal(d["identifiers"], &ids) != nil {
		ids = []string{d.text("identifiers")}
	}
	if len(ids) > 0 && len(ids[0]) <= maxText {
		e.Group = ids[0]
	}
	if e.Group == "" {
		e.Group = string(bytes.TrimSpace(d["connections"]))
	}
}

// speak takes over the words the entity uses, or those that count without.
func (e *entity) speak(o object) {
	e.Words = words{
		Locked: o.or("state_locked", "LOCKED"), Unlocked: o.or("state_unlocked", "UNLOCKED"), Jammed: o.or("state_jammed", "JAMMED"),
		DoLock: o.or("payload_lock", "LOCK"), DoUnlock: o.or("payload_unlock", "UNLOCK"),
		On: o.or("payload_on", "ON"), Off: o.or("payload_off", "OFF"),
	}
	var seconds float64
	if json.Unmarshal(o["off_delay"], &seconds) == nil && seconds > 0 && seconds < 86400 {
		e.Lasts = time.Duration(seconds * float64(time.Second))
	}
	if e.Role != isPress {
		return
	}
	e.Lasts = pressLasts
	if t := o.topic("topic"); t != "" { // a trigger
		e.State = t
		if p := o.text("payload"); p != "" {
			e.Words.Presses = []string{p}
		}
	} else if json.Unmarshal(o["event_types"], &e.Words.Presses) != nil || len(e.Words.Presses) > maxParts {
		e.Words.Presses = nil
	}
}

// trust puts the lock's own word in the place of an announcer's where the two
// are known to differ. Zigbee2MQTT sets "state" to what was ordered as soon as
// the lock has taken the order, jammed or not; what the lock reports stands
// beside it.
func (e *entity) trust(o object) {
	origin, _ := readObject(o["origin"])
	if e.Role == isLock && origin.text("name") == "Zigbee2MQTT" && slices.Equal(e.Value.path, []string{"state"}) {
		e.Value = template{[]string{"lock_state"}}
		e.Words.Locked, e.Words.Unlocked, e.Words.Halfway = "locked", "unlocked", "not_fully_locked"
	}
}

// pressLasts is how long somebody who pressed a button counts as there.
const pressLasts = time.Minute

// roleOf says what an announcement is to us.
func roleOf(component string, o object) role {
	class := o.text("device_class")
	switch component {
	case "lock":
		return isLock
	case "binary_sensor":
		switch class {
		case "door", "garage_door", "opening", "window":
			return isDoor
		case "motion", "occupancy", "presence":
			return isMotion
		case "tamper":
			return isTamper
		}
	case "sensor":
		if class == "battery" && o.text("unit_of_measurement") == "%" {
			return isCharge
		}
	case "event":
		if class == "button" || class == "doorbell" {
			return isPress
		}
	case "device_automation":
		if o.text("automation_type") == "trigger" && (strings.HasPrefix(o.text("type"), "button_") || o.text("type") == "action" && isPressWord(o.text("subtype"))) {
			return isPress
		}
	}
	return noUse
}

// isPressWord reports whether an action that a bridge passes on is the press of
// a button: locks and dimmers have actions, too.
func isPressWord(word string) bool {
	switch word {
	case "single", "double", "triple", "hold", "press", "long":
		return true
	}
	return false
}

// presenceOf reads where the entity says whether it can be reached. One without
// a topic could not be read.
func presenceOf(o object) []availability {
	one := func(a object, topic, value string) availability {
		t, ok := readTemplate(a.text(value))
		out := availability{
			Topic: a.topic(topic), Value: t,
			Yes: a.or("payload_available", "online"), No: a.or("payload_not_available", "offline"),
		}
		if !ok || !isTopic(out.Topic) {
			out.Topic = ""
		}
		return out
	}
	if o.text("availability_topic") != "" {
		return []availability{one(o, "availability_topic", "availability_template")}
	}
	var raw []json.RawMessage
	if json.Unmarshal(o["availability"], &raw) != nil {
		if len(o["availability"]) == 0 {
			return nil
		}
		raw = []json.RawMessage{o["availability"]}
	}
	var all []availability
	for _, r := range raw[:min(len(raw), maxParts)] {
		a, ok := readObject(r)
		if !ok {
			a = object{}
		}
		if base, has := o["~"]; has {
			a["~"] = base
		}
		all = append(all, one(a, "topic", "value_template"))
	}
	return all
}

// isTopic reports whether a text is a topic that can be subscribed to and
// published on.
func isTopic(t string) bool {
	return t != "" && len(t) <= maxTopic && !strings.ContainsAny(t, "+#\x00") && !strings.HasPrefix(t, "$")
}

// clean makes an address of a text: what could be mistaken in a path or a line
// becomes a hyphen.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == '/' || r == '\\' || r == 0xfffd {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(s, "-"))
}

func first(texts ...string) string {
	for _, s := range texts {
		if s = short(s); s != "" {
			return s
		}
	}
	return ""
}

func short(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}
