// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sashlock/sashlock"
)

const (
	testUser     = "sashlock"
	testPassword = "correct-horse-739184"
)

// fake emulates an access controller with two doors: d1 with both monitors and
// an access point, d2 with neither. It signs people in by WS-UsernameToken or,
// with realm set, by HTTP digest.
type fake struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	away     bool
	ahead    time.Duration // of our clock
	realm    string
	host     string // what it calls itself; empty: as it is called
	noFilter bool
	bolt     string
	door     string
	tamper   string
	jammed   bool
	stuck    bool // takes orders and does nothing
	mute     bool // tells of nothing by itself
	queue    []string
	wake     chan struct{} // closed when there is something in the queue
	calls    []string
	nonces   map[string]bool
	relock   *time.Timer
}

func newFake(t *testing.T) *fake {
	f := newFakeAnswers()
	f.t = t
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() { _ = f.down(); f.server.Close() })
	t.Setenv("SASHLOCK_TEST_ONVIF", testPassword)
	return f
}

// newFakeAnswers returns a fake that only answers, and listens nowhere.
func newFakeAnswers() *fake {
	return &fake{bolt: "Locked", door: "Closed", tamper: "NotInTamper", wake: make(chan struct{}), nonces: make(map[string]bool)}
}

func (f *fake) url() string { return f.server.URL + "/onvif/device_service" }

// down lets nobody in any more and cuts off who is there, up ends that.
func (f *fake) down() error {
	f.mu.Lock()
	f.away = true
	f.stir()
	f.mu.Unlock()
	f.server.CloseClientConnections()
	return nil
}

func (f *fake) up() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = false
	return nil
}

// stir wakes those who wait for events. The caller holds mu.
func (f *fake) stir() {
	close(f.wake)
	f.wake = make(chan struct{})
}

var called = regexp.MustCompile(`<s:Body><p:(\w+) `)

func field(text, name string) string {
	found := regexp.MustCompile(`<\w+:` + name + `(?:\s[^>]*)?>([^<]*)<`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	found := called.FindSubmatch(body)
	f.mu.Lock()
	away := f.away
	f.mu.Unlock()
	if err != nil || away || found == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	name, text := string(found[1]), string(body)
	if strings.Contains(text, testPassword) {
		f.t.Error("the password was sent")
	}
	w.Header().Set("Content-Type", "application/soap+xml")
	if name != "GetSystemDateAndTime" {
		if why := f.stranger(r, text); why != "" {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.realm != "" {
				w.Header().Add("WWW-Authenticate", `Basic realm="`+f.realm+`"`)
				w.Header().Add("WWW-Authenticate", `Digest realm="`+f.realm+`", qop="auth", nonce="n1", algorithm=SHA-256, opaque="o"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, soapFault("NotAuthorized", why))
			return
		}
	}
	if name == "PullMessages" {
		f.await()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
	answer := f.answer(name, text, r.Host)
	if strings.Contains(answer, "<s:Fault>") {
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = io.WriteString(w, answer)
}

// await waits a while for something to tell.
func (f *fake) await() {
	f.mu.Lock()
	wake, some := f.wake, len(f.queue) > 0
	f.mu.Unlock()
	if some {
		return
	}
	wait := time.NewTimer(2 * time.Second)
	defer wait.Stop()
	select {
	case <-wake:
	case <-wait.C:
	}
}

// stranger says why a caller is not let in.
func (f *fake) stranger(r *http.Request, text string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.realm != "" {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
		if !ok {
			return "no digest"
		}
		p := parameters(given)
		c := digestChallenge(http.Header{"Www-Authenticate": {`Digest realm="` + f.realm + `", qop="auth", nonce="n1", algorithm=SHA-256, opaque="o"`}})
		var count int
		_, _ = fmt.Sscanf(p["nc"], "%x", &count)
		if want := c.answer(testUser, testPassword, "POST", r.URL.RequestURI(), p["cnonce"], count); want != "Digest "+given {
			return "another digest"
		}
		return ""
	}
	nonce, created := field(text, "Nonce"), field(text, "Created")
	at, err := time.Parse(time.RFC3339, created)
	raw, _ := base64.StdEncoding.DecodeString(nonce)
	sum := sha1.Sum(append(raw, []byte(created+testPassword)...))
	now := time.Now().Add(f.ahead)
	switch {
	case field(text, "Username") != testUser, field(text, "Password") != base64.StdEncoding.EncodeToString(sum[:]):
		return "who are you"
	case err != nil || at.Sub(now).Abs() > 5*time.Second:
		return "your clock is wrong"
	case f.nonces[nonce]:
		return "I have heard that before"
	}
	f.nonces[nonce] = true
	return ""
}

func envelope(body string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tdc="` + nsDoor + `" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:pt="http://www.onvif.org/ver10/pacs"><s:Body>` + body + `</s:Body></s:Envelope>`
}

func soapFault(code, reason string) string {
	return envelope(`<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:` + code + `</s:Value></s:Subcode></s:Code><s:Reason><s:Text>` + reason + `</s:Text></s:Reason></s:Fault>`)
}

// answer answers a call. The caller holds mu.
func (f *fake) answer(name, text, host string) string {
	if f.host != "" {
		host = f.host
	}
	door := field(text, "Token")
	switch name {
	case "GetSystemDateAndTime":
		now := time.Now().Add(f.ahead).UTC()
		return envelope(now.Format(`<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><tt:Time><tt:Hour>15</tt:Hour><tt:Minute>4</tt:Minute><tt:Second>5</tt:Second></tt:Time><tt:Date><tt:Year>2006</tt:Year><tt:Month>1</tt:Month><tt:Day>2</tt:Day></tt:Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`))
	case "GetServices":
		all := ""
		for space, path := range map[string]string{nsDevice: "device_service", nsDoor: "door", nsAccess: "access", nsEvents: "events"} {
			all += `<Service><Namespace>` + space + `</Namespace><XAddr>http://` + host + `/onvif/` + path + `</XAddr></Service>`
		}
		return envelope("<GetServicesResponse>" + all + "</GetServicesResponse>")
	case "GetDeviceInformation":
		return envelope(`<GetDeviceInformationResponse><Manufacturer>Emulated</Manufacturer><Model>AC-2</Model><FirmwareVersion>1.4</FirmwareVersion></GetDeviceInformationResponse>`)
	case "GetDoorInfoList":
		if field(text, "StartReference") == "" {
			return envelope(`<tdc:GetDoorInfoListResponse><tdc:NextStartReference>2</tdc:NextStartReference><tdc:DoorInfo token="d1"><tdc:Name>Cage</tdc:Name><tdc:Capabilities Access="true" AccessTimingOverride="true" Lock="true" Unlock="true" DoorMonitor="true" LockMonitor="true" Tamper="true"/></tdc:DoorInfo></tdc:GetDoorInfoListResponse>`)
		}
		return envelope(`<tdc:GetDoorInfoListResponse><tdc:DoorInfo token="d2"><tdc:Name>Gate</tdc:Name><tdc:Capabilities Access="true"/></tdc:DoorInfo></tdc:GetDoorInfoListResponse>`)
	case "GetAccessPointInfoList":
		return envelope(`<GetAccessPointInfoListResponse><AccessPointInfo token="ap1"><Name>In</Name><EntityType>tdc:Door</EntityType><Entity>d1</Entity></AccessPointInfo></GetAccessPointInfoListResponse>`)
	case "CreatePullPointSubscription":
		if f.noFilter && strings.Contains(text, "TopicExpression") {
			return soapFault("TopicExpressionDialectUnknown", "no filters here")
		}
		f.queue = nil
		f.tell("Door/State/DoorPhysicalState", `Name="DoorToken" Value="d1"`, `Name="State" Value="`+f.door+`"`, "Initialized")
		return envelope(`<CreatePullPointSubscriptionResponse><SubscriptionReference><Address>http://` + host + `/onvif/pull?id=1</Address></SubscriptionReference></CreatePullPointSubscriptionResponse>`)
	case "PullMessages":
		queue := f.queue
		f.queue = nil
		return envelope("<PullMessagesResponse>" + strings.Join(queue, "") + "</PullMessagesResponse>")
	case "GetDoorState":
		if door == "d2" {
			return envelope(`<tdc:GetDoorStateResponse><tdc:DoorState><tdc:DoorMode>Locked</tdc:DoorMode></tdc:DoorState></tdc:GetDoorStateResponse>`)
		}
		return envelope(`<tdc:GetDoorStateResponse><tdc:DoorState><tdc:DoorPhysicalState>` + f.door + `</tdc:DoorPhysicalState><tdc:LockPhysicalState>` + f.bolt +
			`</tdc:LockPhysicalState><tdc:Tamper><tdc:State>` + f.tamper + `</tdc:State></tdc:Tamper><tdc:DoorMode>Locked</tdc:DoorMode></tdc:DoorState></tdc:GetDoorStateResponse>`)
	case "AccessDoor", "UnlockDoor", "LockDoor":
		return f.order(name, text)
	case "Renew", "Unsubscribe":
		return envelope("<" + name + "Response/>")
	}
	return soapFault("ActionNotSupported", name)
}

// order carries out an order. The caller holds mu.
func (f *fake) order(name, text string) string {
	mode := map[string]string{"AccessDoor": "Accessed", "UnlockDoor": "Unlocked", "LockDoor": "Locked"}[name]
	switch {
	case field(text, "Token") != "d1" || f.stuck:
	case f.jammed:
		f.turn("Fault")
	case name == "LockDoor":
		f.turn("Locked")
	default:
		f.turn("Unlocked")
		var seconds int
		if _, err := fmt.Sscanf(field(text, "AccessTime"), "PT%dS", &seconds); err == nil && name == "AccessDoor" {
			f.relock = time.AfterFunc(time.Duration(seconds)*time.Second, func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.turn("Locked")
			})
		}
	}
	// The mode is told whatever becomes of the bolt.
	f.tell("Door/State/DoorMode", `Name="DoorToken" Value="d1"`, `Name="State" Value="`+mode+`"`, "Changed")
	return envelope("<tdc:" + name + "Response/>")
}

// turn turns the bolt and tells of it. The caller holds mu.
func (f *fake) turn(bolt string) {
	if f.relock != nil {
		f.relock.Stop()
	}
	f.bolt = bolt
	f.tell("Door/State/LockPhysicalState", `Name="DoorToken" Value="d1"`, `Name="State" Value="`+bolt+`"`, "Changed")
}

// tell tells of an event. The caller holds mu.
func (f *fake) tell(topic, source, data, change string) {
	if f.mute && change != "Initialized" {
		return
	}
	item := func(s string) string { return "<tt:SimpleItem " + s + "/>" }
	f.queue = append(f.queue, `<wsnt:NotificationMessage><wsnt:Topic Dialect="x">tns1:`+topic+`</wsnt:Topic><wsnt:Message><tt:Message UtcTime="2026-11-22T10:00:00Z" PropertyOperation="`+change+`"><tt:Source>`+
		item(source)+`</tt:Source><tt:Data>`+item(data)+item(`Name="CredentialHolderName" Value="Ana Maria"`)+`</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`)
	f.stir()
}

// said returns how often a call was made.
func (f *fake) said(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(f.calls), func(c string) bool { return c != name }))
}

// fakeWorld does to the fake what the conformance suite asks for.
type fakeWorld struct{ *fake }

func (w fakeWorld) do(what func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	what()
	return nil
}

func (w fakeWorld) OperateByHand(_ string, verb sashlock.Verb) error {
	bolt := map[sashlock.Verb]string{sashlock.DoLock: "Locked", sashlock.DoUnlock: "Unlocked"}[verb]
	return w.do(func() { w.turn(bolt) })
}
func (w fakeWorld) OpenDoor(string) error  { return w.move("Open") }
func (w fakeWorld) CloseDoor(string) error { return w.move("Closed") }
func (w fakeWorld) move(door string) error {
	return w.do(func() {
		w.door = door
		w.tell("Door/State/DoorPhysicalState", `Name="DoorToken" Value="d1"`, `Name="State" Value="`+door+`"`, "Changed")
	})
}
func (w fakeWorld) Jam(string) error { return w.do(func() { w.jammed = true }) }
func (w fakeWorld) Unjam(string) error {
	return w.do(func() { w.jammed = false; w.turn("Locked") })
}
func (w fakeWorld) KillGateway() error    { return w.down() }
func (w fakeWorld) RestartGateway() error { return w.up() }
func (w fakeWorld) Tamper(_ string, on bool) error {
	return w.do(func() {
		w.tamper = map[bool]string{true: "TamperDetected", false: "NotInTamper"}[on]
		w.tell("Door/State/DoorTamper", `Name="DoorToken" Value="d1"`, `Name="State" Value="`+w.tamper+`"`, "Changed")
	})
}
