// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The rules of decoding are:
//
//  1. Nothing longer than maxAnswer, deeper than maxDepth or of more than
//     maxElements elements is taken; nor anything with a document type, for
//     entities come with it.
//  2. Names are compared without their namespaces: controllers differ in them.
//  3. Only what this driver uses is taken over. The name of a credential's
//     holder, its number and a card's content have no field to land in.
const (
	maxAnswer   = 2 << 20
	maxDepth    = 40
	maxElements = 50_000
	maxWord     = 120
	maxDoors    = 500
)

// errShape means that an answer is not what ONVIF says it should be.
var errShape = errors.New("an answer of an unknown shape")

// check holds an answer to rule 1.
func check(text []byte) error {
	if len(text) > maxAnswer {
		return fmt.Errorf("an answer of %d bytes: %w", len(text), errShape)
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	depth, elements := 0, 0
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errShape
		}
		switch t.(type) {
		case xml.Directive:
			return fmt.Errorf("a document type: %w", errShape)
		case xml.StartElement:
			depth++
			elements++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth || elements > maxElements {
			return fmt.Errorf("%d elements, %d deep: %w", elements, depth, errShape)
		}
	}
}

// decode opens an answer.
func decode[T any](text []byte) (T, error) {
	var envelope struct {
		XMLName xml.Name
		Body    T `xml:"Body"`
	}
	if err := check(text); err != nil {
		return envelope.Body, err
	}
	if err := xml.Unmarshal(text, &envelope); err != nil || envelope.XMLName.Local != "Envelope" {
		return envelope.Body, errShape
	}
	return envelope.Body, nil
}

// fault is what a controller says when it would not.
type fault struct {
	Code   string // the innermost: "NotAuthorized"
	Reason string
}

// Error returns the fault in the controller's words.
func (f *fault) Error() string { return strings.TrimSpace(f.Code + " " + f.Reason) }

// faultIn returns the fault of an answer, or nil.
func faultIn(text []byte) *fault {
	type code struct {
		Value string `xml:"Value"`
		Sub   *struct {
			Value string `xml:"Value"`
			Sub   *struct {
				Value string `xml:"Value"`
			} `xml:"Subcode"`
		} `xml:"Subcode"`
	}
	body, err := decode[struct {
		Fault *struct {
			Code   code   `xml:"Code"`
			Reason string `xml:"Reason>Text"`
		} `xml:"Fault"`
	}](text)
	if err != nil || body.Fault == nil {
		return nil
	}
	f := &fault{Code: body.Fault.Code.Value, Reason: short(body.Fault.Reason)}
	if sub := body.Fault.Code.Sub; sub != nil {
		f.Code = sub.Value
		if sub.Sub != nil {
			f.Code = sub.Sub.Value
		}
	}
	if _, local, prefixed := strings.Cut(f.Code, ":"); prefixed {
		f.Code = local
	}
	f.Code = short(f.Code)
	return f
}

// decodeClock opens the answer to GetSystemDateAndTime; zero if it does not say.
func decodeClock(text []byte) (time.Time, error) {
	type parts struct {
		Hour   int `xml:"Time>Hour"`
		Minute int `xml:"Time>Minute"`
		Second int `xml:"Time>Second"`
		Year   int `xml:"Date>Year"`
		Month  int `xml:"Date>Month"`
		Day    int `xml:"Date>Day"`
	}
	body, err := decode[struct {
		UTC *parts `xml:"GetSystemDateAndTimeResponse>SystemDateAndTime>UTCDateTime"`
	}](text)
	if err != nil || body.UTC == nil {
		return time.Time{}, err
	}
	u := body.UTC
	if u.Year < 1970 || u.Year > 9999 || u.Month < 1 || u.Month > 12 || u.Day < 1 || u.Day > 31 ||
		u.Hour < 0 || u.Hour > 23 || u.Minute < 0 || u.Minute > 59 || u.Second < 0 || u.Second > 60 {
		return time.Time{}, errShape
	}
	return time.Date(u.Year, time.Month(u.Month), u.Day, u.Hour, u.Minute, u.Second, 0, time.UTC), nil
}

// decodeServices returns the addresses of the services, by namespace.
func decodeServices(text []byte) (map[string]string, error) {
	body, err := decode[struct {
		Services []struct {
			Namespace string `xml:"Namespace"`
			Address   string `xml:"XAddr"`
		} `xml:"GetServicesResponse>Service"`
	}](text)
	if err != nil {
		return nil, err
	}
	services := make(map[string]string)
	for _, s := range body.Services {
		services[strings.TrimSpace(s.Namespace)] = strings.TrimSpace(s.Address)
	}
	return services, nil
}

// about is who made a controller.
type about struct{ Maker, Model, Firmware string }

func decodeAbout(text []byte) (about, error) {
	body, err := decode[struct {
		Maker    string `xml:"GetDeviceInformationResponse>Manufacturer"`
		Model    string `xml:"GetDeviceInformationResponse>Model"`
		Firmware string `xml:"GetDeviceInformationResponse>FirmwareVersion"`
	}](text)
	return about{short(body.Maker), short(body.Model), short(body.Firmware)}, err
}

// doorInfo is a door as its controller describes it.
type doorInfo struct {
	Token string    `xml:"token,attr"`
	Name  string    `xml:"Name"`
	Can   abilities `xml:"Capabilities"`
}

// abilities are what a door can do. One that is not named it cannot.
type abilities struct {
	Access      bool `xml:"Access,attr"`
	AccessTime  bool `xml:"AccessTimingOverride,attr"`
	Lock        bool `xml:"Lock,attr"`
	Unlock      bool `xml:"Unlock,attr"`
	DoorMonitor bool `xml:"DoorMonitor,attr"`
	LockMonitor bool `xml:"LockMonitor,attr"`
	Tamper      bool `xml:"Tamper,attr"`
}

// decodeDoors returns one page of the list of doors, and where the next begins;
// "" if there is none.
func decodeDoors(text []byte) (doors []doorInfo, next string, err error) {
	body, err := decode[struct {
		Response *struct {
			Next  string     `xml:"NextStartReference"`
			Doors []doorInfo `xml:"DoorInfo"`
		} `xml:"GetDoorInfoListResponse"`
	}](text)
	if err != nil || body.Response == nil {
		return nil, "", errShape
	}
	for _, d := range body.Response.Doors {
		if isToken(d.Token) {
			d.Name = short(d.Name)
			doors = append(doors, d)
		}
	}
	return doors, body.Response.Next, nil
}

// isToken reports whether a token can be the address of a device.
func isToken(token string) bool {
	return token != "" && len(token) <= 64 && short(token) == token
}

// decodePoints returns which door each access point of a page is at.
func decodePoints(text []byte) (points map[string]string, next string, err error) {
	body, err := decode[struct {
		Response *struct {
			Next   string `xml:"NextStartReference"`
			Points []struct {
				Token string `xml:"token,attr"`
				Sort  string `xml:"EntityType"`
				Door  string `xml:"Entity"`
			} `xml:"AccessPointInfo"`
		} `xml:"GetAccessPointInfoListResponse"`
	}](text)
	if err != nil || body.Response == nil {
		return nil, "", errShape
	}
	points = make(map[string]string)
	for _, p := range body.Response.Points {
		_, sort, _ := strings.Cut(":"+p.Sort, ":")
		if p.Token != "" && (p.Sort == "" || strings.HasSuffix(sort, "Door")) {
			points[p.Token] = p.Door
		}
	}
	return points, body.Response.Next, nil
}

// doorState is how a door stands, in the words of ONVIF.
type doorState struct {
	Door   string `xml:"DoorPhysicalState"`
	Lock   string `xml:"LockPhysicalState"`
	Tamper string `xml:"Tamper>State"`
}

func decodeState(text []byte) (doorState, error) {
	body, err := decode[struct {
		State *doorState `xml:"GetDoorStateResponse>DoorState"`
	}](text)
	if err != nil || body.State == nil {
		return doorState{}, errShape
	}
	return *body.State, nil
}

// decodePullPoint returns the address of a new pull point.
func decodePullPoint(text []byte) (string, error) {
	body, err := decode[struct {
		Address string `xml:"CreatePullPointSubscriptionResponse>SubscriptionReference>Address"`
	}](text)
	if err != nil || strings.TrimSpace(body.Address) == "" {
		return "", errShape
	}
	return strings.TrimSpace(body.Address), nil
}

// note is one event.
type note struct {
	Topic   string // without the prefixes of its namespaces: "Door/State/DoorPhysicalState"
	At      time.Time
	Initial bool              // how things stand, not news
	Source  map[string]string // "DoorToken": which door
	Data    map[string]string // "State"
}

// kept are the items of events that are taken over.
var kept = map[string]bool{"DoorToken": true, "AccessPointToken": true, "State": true, "Reason": true}

// decodeNotes returns the events of an answer to PullMessages.
func decodeNotes(text []byte) ([]note, error) {
	type item struct {
		Name  string `xml:"Name,attr"`
		Value string `xml:"Value,attr"`
	}
	body, err := decode[struct {
		Response *struct {
			Notes []struct {
				Topic   string `xml:"Topic"`
				Message struct {
					At     string `xml:"UtcTime,attr"`
					Change string `xml:"PropertyOperation,attr"`
					Source []item `xml:"Source>SimpleItem"`
					Data   []item `xml:"Data>SimpleItem"`
				} `xml:"Message>Message"`
			} `xml:"NotificationMessage"`
		} `xml:"PullMessagesResponse"`
	}](text)
	if err != nil || body.Response == nil {
		return nil, errShape
	}
	items := func(list []item) map[string]string {
		all := make(map[string]string)
		for _, i := range list {
			if kept[i.Name] && len(i.Value) <= maxWord {
				all[i.Name] = i.Value
			}
		}
		return all
	}
	notes := make([]note, 0, len(body.Response.Notes))
	for _, n := range body.Response.Notes {
		one := note{Topic: topicOf(n.Topic), Initial: n.Message.Change == "Initialized", Source: items(n.Message.Source), Data: items(n.Message.Data)}
		one.At, _ = time.Parse(time.RFC3339, n.Message.At)
		notes = append(notes, one)
	}
	return notes, nil
}

// topicOf takes the prefixes out of a topic.
func topicOf(text string) string {
	parts := strings.Split(strings.TrimSpace(text), "/")
	for i, part := range parts {
		if _, local, prefixed := strings.Cut(part, ":"); prefixed {
			parts[i] = local
		}
	}
	return short(strings.Join(parts, "/"))
}

// escape makes a text fit to stand in XML.
func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}

// short makes a text fit to be shown: printable and not longer than maxWord
// characters.
func short(text string) string {
	kept := make([]rune, 0, min(len(text), maxWord))
	for _, r := range strings.TrimSpace(text) {
		if len(kept) == maxWord {
			break
		}
		if unicode.IsPrint(r) && r != utf8.RuneError {
			kept = append(kept, r)
		}
	}
	return string(kept)
}
