// SPDX-License-Identifier: Apache-2.0

package matter

import (
	"encoding/json"
	"time"
)

// request is one message to the server.
type request struct {
	ID      string `json:"message_id"`
	Command string `json:"command"`
	Args    any    `json:"args,omitempty"`
}

func startListening() request { return request{Command: "start_listening"} }

// diagnostics asks, beside other things, for the last events there were.
func diagnostics() request { return request{Command: "diagnostics"} }

// readArgs are those of read_attribute. A server that does not know
// interaction_timeout_ms there passes over it.
type readArgs struct {
	Node    int      `json:"node_id"`
	Paths   []string `json:"attribute_path"`
	Timeout int64    `json:"interaction_timeout_ms"`
}

func readAttributes(node int, paths []path, left time.Duration) request {
	args := readArgs{Node: node, Timeout: left.Milliseconds()}
	for _, p := range paths {
		args.Paths = append(args.Paths, p.String())
	}
	return request{Command: "read_attribute", Args: args}
}

type writeArgs struct {
	Node  int    `json:"node_id"`
	Path  string `json:"attribute_path"`
	Value int    `json:"value"`
}

func writeAttribute(node int, at path, number int) request {
	return request{Command: "write_attribute", Args: writeArgs{node, at.String(), number}}
}

type commandArgs struct {
	Node     int    `json:"node_id"`
	Endpoint int    `json:"endpoint_id"`
	Cluster  int    `json:"cluster_id"`
	Name     string `json:"command_name"`
	Payload  any    `json:"payload"`
	// Timed is how long the lock may wait between being told that a command
	// comes and the command: without it a lock refuses commands that move it.
	Timed int64 `json:"timed_request_timeout_ms,omitempty"`
	// Timeout is how long the whole may take.
	Timeout int64 `json:"interaction_timeout_ms"`
}

// maxTimed is the longest a lock is made to wait for an announced command.
const maxTimed = 5 * time.Second

// lockCommand has a lock do something. left is how long the order still lives.
func lockCommand(d *device, name string, payload any, left time.Duration) request {
	return request{Command: "device_command", Args: commandArgs{
		Node: d.node, Endpoint: d.endpoint, Cluster: clusterDoorLock, Name: name, Payload: payload,
		Timed: min(left, maxTimed).Milliseconds(), Timeout: left.Milliseconds(),
	}}
}

type noFields struct{}

type timeoutField struct {
	Seconds int `json:"timeout"`
}

type userField struct {
	User int `json:"userIndex"`
}

// setUserFields are those of SetUser. What is nil stays as it is, or as the lock
// makes it.
type setUserFields struct {
	Operation int     `json:"operationType"`
	User      int     `json:"userIndex"`
	Name      *string `json:"userName"`
	Unique    *int    `json:"userUniqueId"`
	Status    int     `json:"userStatus"`
	Type      *int    `json:"userType"`
	Rule      *int    `json:"credentialRule"`
}

// credentialField names a credential of a lock.
type credentialField struct {
	Type  int `json:"credentialType"`
	Index int `json:"credentialIndex"`
}

// setCredentialFields are those of SetCredential.
type setCredentialFields struct {
	Operation  int             `json:"operationType"`
	Credential credentialField `json:"credential"`
	Data       []byte          `json:"credentialData"`
	User       int             `json:"userIndex"`
	Status     *int            `json:"userStatus"`
	Type       *int            `json:"userType"`
}

// What SetUser and SetCredential are to do.
const (
	opAdd    = 0
	opModify = 2
)

// slotCommand asks a lock about its users, or changes them as a timed command.
func slotCommand(d *device, name string, fields any, left, timed time.Duration) request {
	return request{Command: "device_command", Args: commandArgs{
		Node: d.node, Endpoint: d.endpoint, Cluster: clusterDoorLock, Name: name, Payload: fields,
		Timed: min(left, timed).Milliseconds(), Timeout: left.Milliseconds(),
	}}
}

// getUser asks a lock for one of its users.
func getUser(d *device, index int, left time.Duration) request {
	return slotCommand(d, "GetUser", userField{index}, left, 0)
}

func encode(r request) ([]byte, error) { return json.Marshal(r) }
