// SPDX-License-Identifier: Apache-2.0

package zwavejs

import (
	"encoding/json"
	"errors"
)

// request is one message of ours. Its fields stand in the order in which they
// are written; a field that does not belong to the command is left out.
type request struct {
	ID       string   `json:"messageId"`
	Command  string   `json:"command"`
	Schema   int      `json:"schemaVersion,omitempty"`
	Node     int      `json:"nodeId,omitempty"`
	ValueID  *valueID `json:"valueId,omitempty"`
	Value    any      `json:"value,omitempty"`
	Endpoint *int     `json:"endpoint,omitempty"`
	Class    int      `json:"commandClass,omitempty"`
	Method   string   `json:"methodName,omitempty"`
	Args     *[]any   `json:"args,omitempty"`
}

// valueID names a property of a node.
type valueID struct {
	Class    int    `json:"commandClass"`
	Endpoint int    `json:"endpoint"`
	Property string `json:"property"`
}

// initialize tells the server which version of its messages we understand.
func initialize(schema int) request { return request{Command: "initialize", Schema: schema} }

// startListening asks for the whole state and for events from then on.
func startListening() request { return request{Command: "start_listening"} }

// ping asks a node for a sign of life.
func ping(node int) request { return request{Command: "node.ping", Node: node} }

// nodeStateOf asks for all that is known of a node.
func nodeStateOf(node int) request { return request{Command: "node.get_state", Node: node} }

// setMode tells a lock to take a mode.
func setMode(node, endpoint int, mode lockMode) request {
	return request{
		Command: "node.set_value", Node: node, Value: int(mode),
		ValueID: &valueID{Class: classDoorLock, Endpoint: endpoint, Property: "targetMode"},
	}
}

// invoke calls a method of a command class on a node: a message to the device
// itself, answered by the device itself.
func invoke(node, endpoint, class int, method string, args ...any) request {
	if args == nil {
		args = []any{}
	}
	return request{Command: "endpoint.invoke_cc_api", Node: node, Endpoint: &endpoint, Class: class, Method: method, Args: &args}
}

// encode writes a request as one line.
func encode(r request) ([]byte, error) { return json.Marshal(r) }

// setStatus is what became of a set_value, with the numbers of Z-Wave JS.
type setStatus int

// Statuses that are no failure: the device has begun, was given the message
// and said nothing, or says it has done it.
const (
	setWorking      setStatus = 1
	setUnsupervised setStatus = 254
	setDone         setStatus = 255
)

func decodeSet(body sealed) (setStatus, error) {
	var w struct {
		Result struct {
			Status *setStatus `json:"status"`
		} `json:"result"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil || w.Result.Status == nil {
		return 0, errors.New("an answer of an unknown shape")
	}
	return *w.Result.Status, nil
}

// lockReport is how a lock itself says that it stands.
type lockReport struct {
	Mode lockMode
	Door string // "open" or "closed"; means something only if the lock has a contact
}

// decodeLock opens the answer to a get of the door lock class. ok is false if
// the device said nothing.
func decodeLock(body sealed) (report lockReport, ok bool, err error) {
	var w struct {
		Response *struct {
			CurrentMode *lockMode `json:"currentMode"`
			DoorStatus  string    `json:"doorStatus"`
		} `json:"response"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil {
		return lockReport{}, false, errors.New("an answer of an unknown shape")
	}
	if w.Response == nil || w.Response.CurrentMode == nil {
		return lockReport{}, false, nil
	}
	return lockReport{Mode: *w.Response.CurrentMode, Door: short(w.Response.DoorStatus)}, true, nil
}

// slotStatus is what a PIN slot is used for, with the numbers of Z-Wave.
type slotStatus int

// The statuses of a slot. Others are special uses, such as messages.
const (
	slotFree     slotStatus = 0
	slotEnabled  slotStatus = 1
	slotDisabled slotStatus = 2
	slotNone     slotStatus = 254 // there is no such slot
)

// decodeSlot opens the answer to a get of the user code class. The code in it
// is not read.
func decodeSlot(body sealed) (status slotStatus, ok bool, err error) {
	var w struct {
		Response *struct {
			Status *slotStatus `json:"userIdStatus"`
		} `json:"response"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil {
		return 0, false, errors.New("an answer of an unknown shape")
	}
	if w.Response == nil || w.Response.Status == nil {
		return 0, false, nil
	}
	return *w.Response.Status, true, nil
}

// decodeNumber opens an answer that is one number.
func decodeNumber(body sealed) (number int, ok bool) {
	var w struct {
		Response *int `json:"response"`
	}
	if json.Unmarshal(body.text, &w) != nil || w.Response == nil {
		return 0, false
	}
	return *w.Response, true
}

// decodeLevel opens the answer to a get of the battery class.
func decodeLevel(body sealed) (level int, ok bool) {
	var w struct {
		Response *struct {
			Level *int `json:"level"`
		} `json:"response"`
	}
	if json.Unmarshal(body.text, &w) != nil || w.Response == nil || w.Response.Level == nil {
		return 0, false
	}
	return *w.Response.Level, true
}

// decodeNodeAnswer opens the answer to a question for one node's state.
func decodeNodeAnswer(body sealed) (*nodeState, error) {
	var w struct {
		State json.RawMessage `json:"state"`
	}
	if err := json.Unmarshal(body.text, &w); err != nil || w.State == nil {
		return nil, errors.New("an answer of an unknown shape")
	}
	return decodeNode(w.State)
}
