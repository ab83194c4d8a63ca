// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rules of decoding are:
//
//  1. Nothing longer than maxMessage is looked at, and no text longer than
//     maxWord is kept.
//  2. Only what this driver uses is taken over: the attributes listed in wanted,
//     the fields of the events it knows. A user's name has no field to land in.
//  3. The body of an answer stays sealed until the asker opens it into a type
//     of its own. Printed, it shows nothing.
//  4. A message or event of a kind that is not known here is no error.

// maxMessage is the most bytes one message of the server may have. A node has
// some 20 KiB, so this holds hundreds.
const maxMessage = 16 << 20

// maxWord is how many characters of a text from the server are kept.
const maxWord = 120

// errSyntax means that the other side does not speak the protocol at all.
var errSyntax = errors.New("this is not a message of a Matter server")

// message is one message of the server, decoded. At most one field is set;
// none, for a message or event this driver has no use for.
type message struct {
	Info   *info
	Result *result
	Event  *event
}

// info is the server's greeting.
type info struct {
	Schema    int
	MinSchema int
	SDK       string
}

// result answers one of our requests.
type result struct {
	ID     string
	Failed bool
	Code   failure
	Text   string // the failure in words
	body   sealed
}

// failure is the server's number for what went wrong.
type failure int

// The failures that tell whether a device was reached.
const (
	failNotReady     failure = 3
	failNotResolving failure = 4
	failNotThere     failure = 5
)

// sealed is the body of an answer, not looked at yet.
type sealed struct {
	text json.RawMessage
}

// String shows nothing of the body; neither do the other ways to print it.
func (sealed) String() string               { return "(sealed)" }
func (sealed) GoString() string             { return "(sealed)" }
func (sealed) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte("(sealed)")) }
func (sealed) MarshalJSON() ([]byte, error) { return []byte(`"(sealed)"`), nil }

// event is something that happened on the server's side.
type event struct {
	Name  string // "attribute_updated", "node_event"
	Node  int
	Path  path       // for "attribute_updated"
	Value value      // for "attribute_updated"
	Note  *note      // for "node_event"
	State *nodeState // for "node_added" and "node_updated"
}

// endpoint is which part of its node an event is about.
func (e event) endpoint() int {
	if e.Note != nil {
		return e.Note.Endpoint
	}
	return e.Path.Endpoint
}

// path is where an attribute is.
type path struct{ Endpoint, Cluster, Attribute int }

// String returns the path as the server writes it.
func (p path) String() string { return fmt.Sprintf("%d/%d/%d", p.Endpoint, p.Cluster, p.Attribute) }

// value is an attribute as the server writes it, of one of the wanted sorts.
type value struct{ text string }

// note is an event of a node.
type note struct {
	Endpoint, Cluster, Event int
	Number                   uint64
	Posix                    int64 // milliseconds; 0: the node has no clock
	Type                     int   // lockOperationType; -1: none
	Source                   int   // operationSource
	Error                    int   // operationError
	Alarm                    int   // alarmCode; -1: none
	User                     int   // userIndex, from 1; 0: none
	Fabric                   int   // fabricIndex, from 1; 0: none
}

// nodeState is what the server knows of a node.
type nodeState struct {
	Node       int
	Available  bool
	Attributes map[path]value
}

// decode reads one message. The error is errSyntax for what is not JSON of the
// expected shape and too long; any other error concerns one event or answer
// only, and the connection can go on.
func decode(text []byte) (message, error) {
	if len(text) > maxMessage {
		return message{}, fmt.Errorf("a message of %d bytes: %w", len(text), errSyntax)
	}
	var w struct {
		ID        *string         `json:"message_id"`
		Result    json.RawMessage `json:"result"`
		Code      *failure        `json:"error_code"`
		Details   string          `json:"details"`
		Event     string          `json:"event"`
		Data      json.RawMessage `json:"data"`
		SDK       string          `json:"sdk_version"`
		Schema    int             `json:"schema_version"`
		MinSchema int             `json:"min_supported_schema_version"`
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return message{}, errSyntax
	}
	switch {
	case w.Event != "":
		e, err := decodeEvent(w.Event, w.Data)
		return message{Event: e}, err
	case w.ID != nil && w.Code != nil:
		return message{Result: &result{ID: *w.ID, Failed: true, Code: *w.Code, Text: short(w.Details)}}, nil
	case w.ID != nil:
		return message{Result: &result{ID: *w.ID, body: sealed{text: w.Result}}}, nil
	case w.SDK != "":
		return message{Info: &info{Schema: w.Schema, MinSchema: w.MinSchema, SDK: short(w.SDK)}}, nil
	}
	return message{}, errSyntax
}

func decodeEvent(name string, data json.RawMessage) (*event, error) {
	switch name {
	case "attribute_updated":
		return decodeAttribute(data)
	case "node_event":
		return decodeNote(data)
	case "node_added", "node_updated":
		n, err := decodeNode(data)
		if err != nil {
			return nil, err
		}
		return &event{Name: name, Node: n.Node, State: n}, nil
	case "node_removed":
		e := &event{Name: name}
		if err := json.Unmarshal(data, &e.Node); err != nil {
			return nil, shapeless(name)
		}
		return e, nil
	case "server_shutdown":
		return &event{Name: name}, nil
	}
	return nil, nil
}

func shapeless(name string) error { return fmt.Errorf("an event %s of an unknown shape", name) }

func decodeAttribute(data json.RawMessage) (*event, error) {
	const name = "attribute_updated"
	var parts [3]json.RawMessage
	e := &event{Name: name}
	var at string
	if json.Unmarshal(data, &parts) != nil || json.Unmarshal(parts[0], &e.Node) != nil || json.Unmarshal(parts[1], &at) != nil {
		return nil, shapeless(name)
	}
	p, ok := toPath(at)
	if !ok {
		return nil, shapeless(name)
	}
	v, ok := toValue(parts[2])
	if !wanted(p) || !ok {
		return nil, nil
	}
	e.Path, e.Value = p, v
	return e, nil
}

func decodeNote(data json.RawMessage) (*event, error) {
	var w struct {
		Node     int    `json:"node_id"`
		Endpoint int    `json:"endpoint_id"`
		Cluster  int    `json:"cluster_id"`
		Event    int    `json:"event_id"`
		Number   uint64 `json:"event_number"`
		Time     int64  `json:"timestamp"`
		TimeKind int    `json:"timestamp_type"`
		Data     struct {
			Type   *int `json:"lockOperationType"`
			Source int  `json:"operationSource"`
			Error  int  `json:"operationError"`
			Alarm  *int `json:"alarmCode"`
			User   int  `json:"userIndex"`
			Fabric int  `json:"fabricIndex"`
		} `json:"data"`
	}
	var about struct {
		Cluster int `json:"cluster_id"`
	}
	if json.Unmarshal(data, &about) == nil && about.Cluster != clusterDoorLock {
		return nil, nil // the data of others may have any shape
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, shapeless("node_event")
	}
	n := &note{
		Endpoint: w.Endpoint, Cluster: w.Cluster, Event: w.Event, Number: w.Number,
		Type: -1, Source: w.Data.Source, Error: w.Data.Error, Alarm: -1, User: max(w.Data.User, 0), Fabric: w.Data.Fabric,
	}
	if w.Data.Type != nil {
		n.Type = *w.Data.Type
	}
	if w.Data.Alarm != nil {
		n.Alarm = *w.Data.Alarm
	}
	if w.TimeKind == posixTime {
		n.Posix = max(w.Time, 0)
	}
	return &event{Name: "node_event", Node: w.Node, Note: n}, nil
}

// posixTime is the kind of a time stamp in milliseconds since 1970, by the
// node's own clock.
const posixTime = 1

func decodeNode(data json.RawMessage) (*nodeState, error) {
	var w struct {
		Node       int                        `json:"node_id"`
		Available  bool                       `json:"available"`
		Attributes map[string]json.RawMessage `json:"attributes"`
	}
	if err := json.Unmarshal(data, &w); err != nil || w.Node <= 0 {
		return nil, errors.New("a node of an unknown shape")
	}
	return &nodeState{Node: w.Node, Available: w.Available, Attributes: toAttributes(w.Attributes)}, nil
}

// decodeNodes opens the answer to start_listening.
func decodeNodes(body sealed) ([]nodeState, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(body.text, &list); err != nil {
		return nil, errors.New("a list of nodes of an unknown shape")
	}
	nodes := make([]nodeState, 0, len(list))
	for _, text := range list {
		n, err := decodeNode(text)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, *n)
	}
	return nodes, nil
}

// decodeHistory opens the answer to diagnostics: the last events of locks, in
// the order of their numbers. What is no such event is passed over.
func decodeHistory(body sealed) ([]event, error) {
	var w struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil {
		return nil, errors.New("diagnostics of an unknown shape")
	}
	var history []event
	for _, text := range w.Events {
		if e, err := decodeNote(text); err == nil && e != nil {
			history = append(history, *e)
		}
	}
	slices.SortStableFunc(history, func(a, b event) int { return cmp.Compare(a.Note.Number, b.Note.Number) })
	return history, nil
}

// decodeAttributes opens the answer to read_attribute.
func decodeAttributes(body sealed) (map[path]value, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body.text, &all); err != nil {
		return nil, errors.New("an answer of an unknown shape")
	}
	return toAttributes(all), nil
}

func toAttributes(all map[string]json.RawMessage) map[path]value {
	kept := make(map[path]value)
	for at, text := range all {
		p, ok := toPath(at)
		if !ok || !wanted(p) {
			continue
		}
		if v, ok := toValue(text); ok {
			kept[p] = v
		}
	}
	return kept
}

func toPath(at string) (path, bool) {
	parts := strings.Split(at, "/")
	if len(parts) != 3 {
		return path{}, false
	}
	var numbers [3]int
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return path{}, false
		}
		numbers[i] = int(n)
	}
	return path{numbers[0], numbers[1], numbers[2]}, true
}

// toValue keeps a value unless it is too long to be one of the wanted.
func toValue(text json.RawMessage) (value, bool) {
	const longest = 4 << 10
	return value{string(text)}, len(text) <= longest
}

// number returns a whole number.
func (v value) number() (int, bool) {
	n, err := strconv.ParseInt(v.text, 10, 64)
	return int(n), err == nil
}

// flag returns a yes or no.
func (v value) flag() (yes, ok bool) { return v.text == "true", v.text == "true" || v.text == "false" }

// word returns a text, fit to be shown.
func (v value) word() string {
	var text string
	if json.Unmarshal([]byte(v.text), &text) != nil {
		return ""
	}
	return short(text)
}

// numbers returns a list of whole numbers.
func (v value) numbers() []int {
	var list []int
	if json.Unmarshal([]byte(v.text), &list) != nil {
		return nil
	}
	return list
}

// kinds returns the numbers of the device types of an endpoint.
func (v value) kinds() []int {
	var list []struct {
		Kind int `json:"0"`
	}
	if json.Unmarshal([]byte(v.text), &list) != nil {
		return nil
	}
	var kinds []int
	for _, one := range list {
		kinds = append(kinds, one.Kind)
	}
	return kinds
}

// user is what a lock says of one of its users.
type user struct {
	Used    bool
	Enabled bool
	Codes   []int // the numbers of its PINs
	Holds   int   // how many credentials of any kind it has
	Creator int   // the number of the fabric that made it; 0: none
	Next    int   // the next user there is; 0: none
}

// decodeUser opens the answer to GetUser. The name in it is not read.
func decodeUser(body sealed) (user, error) {
	var w struct {
		Status      *int `json:"userStatus"`
		Credentials []struct {
			Type  int `json:"credentialType"`
			Index int `json:"credentialIndex"`
		} `json:"credentials"`
		Creator *int `json:"creatorFabricIndex"`
		Next    *int `json:"nextUserIndex"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil {
		return user{}, errors.New("an answer of an unknown shape")
	}
	u := user{Used: w.Status != nil && *w.Status != userFree, Enabled: w.Status != nil && *w.Status == userEnabled}
	u.Holds = len(w.Credentials)
	for _, c := range w.Credentials {
		if c.Type == credentialPIN {
			u.Codes = append(u.Codes, c.Index)
		}
	}
	if w.Creator != nil {
		u.Creator = *w.Creator
	}
	if w.Next != nil {
		u.Next = *w.Next
	}
	return u, nil
}

// decodeCredentialStatus opens the answer to SetCredential: 0 says that the lock
// has it.
func decodeCredentialStatus(body sealed) (int, error) {
	var w struct {
		Status *int `json:"status"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil || w.Status == nil {
		return 0, errors.New("an answer of an unknown shape")
	}
	return *w.Status, nil
}

// short makes a text of the server fit to be shown: valid, printable and not
// longer than maxWord characters.
func short(text string) string {
	kept := make([]rune, 0, min(len(text), maxWord))
	for _, r := range text {
		if len(kept) == maxWord {
			break
		}
		if unicode.IsPrint(r) && r != utf8.RuneError {
			kept = append(kept, r)
		}
	}
	return string(kept)
}
