// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// The rules of decoding are:
//
//  1. Nothing longer than maxMessage is looked at.
//  2. Only what this driver uses is taken over. The value of a property is
//     read only for the command classes listed in readable; a PIN, which Z-Wave
//     JS sends in clear, has no field here to land in.
//  3. The body of an answer stays sealed until the asker opens it into a type
//     of its own, which obeys rule 2 as well. Printed, it shows nothing.
//  4. A message or event of a kind that is not known here is no error.

// maxMessage is the most bytes one message of the server may have. The state
// of a network of 232 nodes takes a few megabytes.
const maxMessage = 16 << 20

// Command classes of Z-Wave, by their registered numbers.
const (
	classDoorLock     = 98
	classUserCode     = 99
	classSupervision  = 108
	classNotification = 113
	classBattery      = 128
)

// errSyntax means that the other side does not speak the protocol at all.
var errSyntax = errors.New("this is not a message of a Z-Wave JS server")

// message is one message of the server, decoded. At most one field is set;
// none, for a message or event this driver has no use for.
type message struct {
	Version *version
	Result  *result
	Event   *event
}

// version is the server's greeting.
type version struct {
	HomeID    uint32
	Driver    string
	Server    string
	MinSchema int
	MaxSchema int
}

// result answers one of our requests.
type result struct {
	ID      string
	Success bool
	Code    string // kind of failure: "zwave_error", "node_not_found"
	ZWave   int    // number of the Z-Wave JS error, for zwave_error
	Text    string // the failure in words
	body    sealed
}

// sealed is the body of an answer, not looked at yet. It may hold a PIN.
type sealed struct {
	text  json.RawMessage
	place int64 // among all messages of its connection
}

// String shows nothing of the body; neither do the other ways to print it.
func (sealed) String() string               { return "(sealed)" }
func (sealed) GoString() string             { return "(sealed)" }
func (sealed) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte("(sealed)")) }
func (sealed) MarshalJSON() ([]byte, error) { return []byte(`"(sealed)"`), nil }

// event is something that happened on the server's side.
type event struct {
	Source string // "node", "controller" or "driver"
	Name   string // "value updated", "dead"
	Node   int
	Value  *value        // for "value updated" and "value added"
	Note   *notification // for "notification"
	State  *nodeState    // for "ready"
	place  int64         // among all messages of its connection
}

// value is one property of a node.
type value struct {
	Endpoint int
	Class    int
	Property string
	Key      string
	Now      scalar // none for what this driver has no business to read
	States   []int  // the values the node says it supports, for the door lock class
	Version  int    // of the command class, in states only
}

// notification is a report of the Notification command class.
type notification struct {
	Endpoint int
	Type     int
	Event    int
	User     int // user slot, from 1; 0: not told
}

// networkState is all that the server knows, sent once at the beginning.
type networkState struct {
	HomeID uint32
	Nodes  []nodeState
}

// nodeState is all that the server knows of a node.
type nodeState struct {
	Node       int
	Status     nodeStatus
	Ready      bool // its interview is complete
	Controller bool // it is the radio itself
	Listening  bool
	Frequent   bool // it wakes many times a second to listen
	Security   securityClass
	Firmware   string
	Name       string
	Location   string
	Maker      string
	Label      string
	Describes  string
	Product    [3]int // numbers of maker, product type and product
	Classes    []class
	Values     []value
}

// class is a command class that a node supports.
type class struct {
	Endpoint int
	ID       int
	Version  int
	Secure   bool
}

// nodeStatus says whether a node can be reached.
type nodeStatus int

// The statuses, with the numbers Z-Wave JS gives them.
const (
	statusUnknown nodeStatus = 0
	statusAsleep  nodeStatus = 1
	statusAwake   nodeStatus = 2
	statusDead    nodeStatus = 3
	statusAlive   nodeStatus = 4
)

// securityClass is the best protection a node was granted.
type securityClass int

// The security classes, with the numbers Z-Wave gives them.
const (
	securityUntold  securityClass = -2
	securityNone    securityClass = -1
	s2Open          securityClass = 0
	s2Authenticated securityClass = 1
	s2AccessControl securityClass = 2
	s0Legacy        securityClass = 7
)

// decode reads one message. The error is errSyntax for what is not JSON of the
// expected shape and too long; any other error concerns one event or answer
// only, and the connection can go on.
func decode(text []byte) (message, error) {
	if len(text) > maxMessage {
		return message{}, fmt.Errorf("a message of %d bytes: %w", len(text), errSyntax)
	}
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(text, &kind); err != nil || kind.Type == "" {
		return message{}, errSyntax
	}
	switch kind.Type {
	case "version":
		return decodeVersion(text)
	case "result":
		return decodeResult(text)
	case "event":
		return decodeEvent(text)
	default:
		return message{}, nil
	}
}

func decodeVersion(text []byte) (message, error) {
	var w struct {
		HomeID           uint32 `json:"homeId"`
		DriverVersion    string `json:"driverVersion"`
		ServerVersion    string `json:"serverVersion"`
		MinSchemaVersion int    `json:"minSchemaVersion"`
		MaxSchemaVersion int    `json:"maxSchemaVersion"`
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return message{}, errSyntax
	}
	return message{Version: &version{
		HomeID: w.HomeID, Driver: short(w.DriverVersion), Server: short(w.ServerVersion),
		MinSchema: w.MinSchemaVersion, MaxSchema: w.MaxSchemaVersion,
	}}, nil
}

func decodeResult(text []byte) (message, error) {
	var w struct {
		MessageID         string          `json:"messageId"`
		Success           bool            `json:"success"`
		Result            json.RawMessage `json:"result"`
		ErrorCode         string          `json:"errorCode"`
		Message           string          `json:"message"`
		ZWaveErrorCode    int             `json:"zwaveErrorCode"`
		ZWaveErrorMessage string          `json:"zwaveErrorMessage"`
	}
	if err := json.Unmarshal(text, &w); err != nil || w.MessageID == "" {
		return message{}, errSyntax
	}
	words := w.ZWaveErrorMessage
	if words == "" {
		words = w.Message
	}
	return message{Result: &result{
		ID: w.MessageID, Success: w.Success, Code: short(w.ErrorCode),
		ZWave: w.ZWaveErrorCode, Text: short(words), body: sealed{text: w.Result},
	}}, nil
}

func decodeEvent(text []byte) (message, error) {
	var w struct {
		Event struct {
			Source        string          `json:"source"`
			Event         string          `json:"event"`
			NodeID        int             `json:"nodeId"`
			EndpointIndex int             `json:"endpointIndex"`
			CCID          int             `json:"ccId"`
			Args          json.RawMessage `json:"args"`
			NodeState     json.RawMessage `json:"nodeState"`
			Node          struct {
				NodeID int `json:"nodeId"`
			} `json:"node"`
		} `json:"event"`
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return message{}, errors.New("an event of an unknown shape")
	}
	e := &event{Source: w.Event.Source, Name: w.Event.Event, Node: w.Event.NodeID}
	var err error
	switch e.Source + "/" + e.Name {
	case "node/value updated", "node/value added":
		e.Value, err = decodeValue(w.Event.Args)
	case "node/notification":
		if w.Event.CCID != classNotification {
			return message{}, nil
		}
		e.Note, err = decodeNotification(w.Event.Args, w.Event.EndpointIndex)
	case "node/ready":
		e.State, err = decodeNode(w.Event.NodeState)
	case "node/dead", "node/alive", "node/sleep", "node/wake up", "node/interview completed":
	case "controller/node added", "controller/node removed":
		e.Node = w.Event.Node.NodeID
	case "driver/driver ready":
	default:
		return message{}, nil
	}
	if err != nil {
		// The cause may quote the text, and the text a PIN.
		return message{}, fmt.Errorf("an event %q of an unknown shape", e.Name)
	}
	return message{Event: e}, nil
}

func decodeNotification(text []byte, endpoint int) (*notification, error) {
	var w struct {
		Type       int             `json:"type"`
		Event      int             `json:"event"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	n := &notification{Endpoint: endpoint, Type: w.Type, Event: w.Event}
	// Parameters are an object, a number, bytes or absent; only the user slot
	// in an object matters, under one of two names.
	var who struct {
		UserID *float64 `json:"userId"`
		Plain  *float64 `json:"user ID"`
	}
	if json.Unmarshal(w.Parameters, &who) == nil {
		for _, user := range []*float64{who.UserID, who.Plain} {
			if user != nil && *user >= 1 && *user <= math.MaxUint16 {
				n.User = int(*user)
			}
		}
	}
	return n, nil
}

// decodeState opens the answer to start_listening.
func decodeState(body sealed) (networkState, error) {
	var w struct {
		State struct {
			Controller struct {
				HomeID uint32 `json:"homeId"`
			} `json:"controller"`
			Nodes []json.RawMessage `json:"nodes"`
		} `json:"state"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil {
		return networkState{}, errors.New("the state of the network has an unknown shape")
	}
	state := networkState{HomeID: w.State.Controller.HomeID}
	for _, text := range w.State.Nodes {
		node, err := decodeNode(text)
		if err != nil {
			return networkState{}, errors.New("the state of a node has an unknown shape")
		}
		state.Nodes = append(state.Nodes, *node)
	}
	return state, nil
}

func decodeNode(text []byte) (*nodeState, error) {
	var w wireNode
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	if w.NodeID < 1 || w.NodeID > math.MaxUint16 {
		return nil, errors.New("no node number")
	}
	n := &nodeState{
		Node: w.NodeID, Status: nodeStatus(w.Status), Ready: w.Ready, Controller: w.IsControllerNode,
		Listening: w.IsListening, Frequent: string(w.IsFrequentListening) != "" && string(w.IsFrequentListening) != "false" && string(w.IsFrequentListening) != "null",
		Security: securityUntold, Firmware: short(w.FirmwareVersion), Name: short(w.Name), Location: short(w.Location),
		Maker: short(w.DeviceConfig.Manufacturer), Label: short(w.Label), Describes: short(w.DeviceConfig.Description),
		Product: [3]int{w.ManufacturerID, w.ProductType, w.ProductID},
	}
	if w.HighestSecurityClass != nil {
		n.Security = securityClass(*w.HighestSecurityClass)
	}
	for _, e := range w.Endpoints {
		for _, c := range e.CommandClasses {
			n.Classes = append(n.Classes, class{Endpoint: e.Index, ID: c.ID, Version: c.Version, Secure: c.IsSecure})
		}
	}
	for _, v := range w.Values {
		if keep := v.value(); keep.Now.Kind != scalarNone || keep.Class == classDoorLock || keep.Class == classNotification {
			n.Values = append(n.Values, keep)
		}
	}
	return n, nil
}

// wireNode is a node as the server writes it.
type wireNode struct {
	NodeID               int             `json:"nodeId"`
	Status               int             `json:"status"`
	Ready                bool            `json:"ready"`
	IsListening          bool            `json:"isListening"`
	IsFrequentListening  json.RawMessage `json:"isFrequentListening"` // false or "1000ms"
	IsControllerNode     bool            `json:"isControllerNode"`
	HighestSecurityClass *int            `json:"highestSecurityClass"`
	FirmwareVersion      string          `json:"firmwareVersion"`
	Name                 string          `json:"name"`
	Location             string          `json:"location"`
	Label                string          `json:"label"`
	ManufacturerID       int             `json:"manufacturerId"`
	ProductType          int             `json:"productType"`
	ProductID            int             `json:"productId"`
	DeviceConfig         struct {
		Manufacturer string `json:"manufacturer"`
		Description  string `json:"description"`
	} `json:"deviceConfig"`
	Endpoints []struct {
		Index          int `json:"index"`
		CommandClasses []struct {
			ID       int  `json:"id"`
			Version  int  `json:"version"`
			IsSecure bool `json:"isSecure"`
		} `json:"commandClasses"`
	} `json:"endpoints"`
	Values []wireValue `json:"values"`
}

// wireValue is a property as the server writes it, in states and in events.
type wireValue struct {
	Endpoint     int             `json:"endpoint"`
	CommandClass int             `json:"commandClass"`
	CCVersion    int             `json:"ccVersion"`
	Property     word            `json:"property"`
	PropertyKey  word            `json:"propertyKey"`
	Value        json.RawMessage `json:"value"`
	NewValue     json.RawMessage `json:"newValue"`
	Metadata     struct {
		States json.RawMessage `json:"states"`
	} `json:"metadata"`
}

func decodeValue(text []byte) (*value, error) {
	var w wireValue
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	v := w.value()
	return &v, nil
}

func (w wireValue) value() value {
	v := value{
		Endpoint: w.Endpoint, Class: w.CommandClass, Version: w.CCVersion,
		Property: string(w.Property), Key: string(w.PropertyKey),
	}
	if readable(v.Class, v.Property) {
		v.Now = toScalar(w.Value)
		if w.NewValue != nil {
			v.Now = toScalar(w.NewValue)
		}
	}
	if v.Class == classDoorLock {
		v.States = toStates(w.Metadata.States)
	}
	return v
}

// readable reports whether the value of a property may be read. Of user codes
// only the status of a slot may.
func readable(class int, property string) bool {
	switch class {
	case classDoorLock, classNotification, classBattery:
		return true
	case classUserCode:
		return property == "userIdStatus"
	}
	return false
}
