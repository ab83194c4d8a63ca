// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/detect/duress"
)

// facts are what the messages are made of.
type facts struct {
	Openings map[sashlock.OpeningID]sashlock.Opening
	Areas    map[sashlock.AreaID]sashlock.Area
	Devices  map[sashlock.DeviceID]sashlock.Device
	States   []sashlock.OpeningState
}

// sensor is an announcement, with the keys of MQTT discovery.
type sensor struct {
	Name         string         `json:"name"`
	ID           string         `json:"unique_id"`
	Class        string         `json:"device_class"`
	State        string         `json:"state_topic"`
	Attributes   string         `json:"json_attributes_topic,omitempty"`
	Availability []availability `json:"availability"`
	Mode         string         `json:"availability_mode"`
	Device       thing          `json:"device"`
	Origin       origin         `json:"origin"`
}

type availability struct {
	Topic string `json:"topic"`
}

type thing struct {
	IDs   []string `json:"identifiers"`
	Name  string   `json:"name"`
	Maker string   `json:"manufacturer"`
	Model string   `json:"model"`
	Area  string   `json:"suggested_area,omitempty"`
}

type origin struct {
	Name string `json:"name"`
}

// Origin is the name under which a store announces its openings. Who reads
// announcements as well knows them by it.
const Origin = "Sashlock"

// What sensors say.
const (
	on      = "ON"
	off     = "OFF"
	unknown = "None" // Home Assistant's word for it
)

// wanted returns every retained message the openings come to, by topic.
func wanted(c Config, f facts) map[string]string {
	states := make(map[sashlock.OpeningID]sashlock.OpeningState, len(f.States))
	for _, s := range f.States {
		states[s.Opening] = s
	}
	tells := make(map[sashlock.OpeningID]map[sashlock.Capability]bool)
	for _, d := range f.Devices {
		for _, can := range d.Capabilities {
			if tells[d.Opening] == nil {
				tells[d.Opening] = make(map[sashlock.Capability]bool)
			}
			tells[d.Opening][can] = true
		}
	}
	all := make(map[string]string)
	for id, o := range f.Openings {
		p := page{config: c, opening: o, area: f.Areas[o.Area].Name, into: all}
		s := states[id]
		all[p.topic("reach")] = pick(s.Offline, "offline", "online")
		if tells[id][sashlock.TellsLock] {
			p.put("lock", "Lock", "lock", lockWord(s.Lock), "")
		}
		if tells[id][sashlock.TellsPosition] {
			p.put("contact", "Position", pick(o.Kind == sashlock.Door, "door", "opening"), positionWord(s.Position), "")
		}
		rules := standing(s)
		p.put("alarm", "Alarm", "safety", pick(len(rules) > 0, on, off), attributes(rules, s))
	}
	return all
}

// page is where the messages about one opening go.
type page struct {
	config  Config
	opening sashlock.Opening
	area    string
	into    map[string]string
}

func (p page) topic(what string) string {
	return p.config.Topic + "/" + string(p.opening.ID) + "/" + what
}

// put adds a sensor and what it says.
func (p page) put(what, name, class, word, attributes string) {
	s := sensor{
		Name: name, ID: p.config.node(p.opening.ID) + "_" + what, Class: class, State: p.topic(what),
		Availability: []availability{{p.config.status()}, {p.topic("reach")}}, Mode: "all",
		Device: thing{
			IDs: []string{p.config.node(p.opening.ID)}, Name: p.opening.Name, Maker: Origin, Model: string(p.opening.Kind), Area: p.area,
		},
		Origin: origin{Origin},
	}
	if what == "alarm" {
		// An alarm is the store's own finding: it stands whether or not the lock
		// can be reached.
		s.Availability = s.Availability[:1]
	}
	if attributes != "" {
		s.Attributes = p.topic(what + "/attributes")
		p.into[s.Attributes] = attributes
	}
	text, err := json.Marshal(s)
	if err != nil {
		return // nothing in it can fail
	}
	p.into[p.config.place(p.opening.ID, what)] = string(text)
	p.into[s.State] = word
}

// lockWord is what a sensor of class lock says: on is unlocked. A bolt that is
// jammed, or stands half way, is not locked.
func lockWord(s sashlock.LockState) string {
	switch {
	case s == sashlock.Locked:
		return off
	case s.Loose():
		return on
	}
	return unknown
}

func positionWord(p sashlock.Position) string {
	switch p {
	case sashlock.Open:
		return on
	case sashlock.Closed:
		return off
	}
	return unknown
}

// standing lists the rules whose alarm stands. That somebody was forced to open
// is for those who are called, and shown to nobody who may stand beside.
func standing(s sashlock.OpeningState) []string {
	rules := []string{}
	for rule := range s.Alarms {
		if rule != (duress.Rule{}).Name() {
			rules = append(rules, rule)
		}
	}
	slices.Sort(rules)
	return rules
}

func attributes(rules []string, s sashlock.OpeningState) string {
	text, err := json.Marshal(map[string]any{
		"rules": rules, "jammed": s.Lock == sashlock.Jammed, "not_fully_locked": s.Lock == sashlock.Halfway, "forced": s.Forced, "tampered": s.Tampered,
	})
	if err != nil {
		return "{}" // nothing in it can fail
	}
	return string(text)
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// node is the name under which an opening is announced. It begins with the
// store's own topic, so that two stores may share a broker.
func (c Config) node(id sashlock.OpeningID) string {
	return strings.ReplaceAll(c.Topic, "/", "-") + "_" + string(id)
}

// place is the topic of an announcement.
func (c Config) place(id sashlock.OpeningID, what string) string {
	return c.Prefix + "/binary_sensor/" + c.node(id) + "/" + what + "/config"
}

// isOurs reports whether an announcement that the broker keeps is one of this
// store's.
func (c Config) isOurs(topic string, payload []byte) bool {
	var s sensor
	return strings.HasPrefix(topic, c.Prefix+"/binary_sensor/"+c.node("")) && json.Unmarshal(payload, &s) == nil &&
		s.Origin.Name == Origin && strings.HasPrefix(s.State, c.Topic+"/")
}

func (c Config) status() string { return c.Topic + "/status" }
