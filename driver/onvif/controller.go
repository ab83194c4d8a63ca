// SPDX-License-Identifier: Apache-2.0

package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sashlock/sashlock"
)

// controller is a controller we are signed in at.
type controller struct {
	caller *caller
	base   *url.URL
	about  about
	doorAt *url.URL // the door control service
	events *url.URL
	access *url.URL // the access control service; nil: it has none
	pull   *url.URL // our pull point
	doors  []doorInfo
	points map[string]string // door tokens by access point
}

// reach signs in and finds out what there is.
func reach(ctx context.Context, base *url.URL, c *caller) (*controller, error) {
	p := &controller{caller: c, base: base, points: make(map[string]string)}
	// The clock first: a token made by another clock is refused.
	text, err := c.do(ctx, call{to: base, space: nsDevice, name: "GetSystemDateAndTime", open: true})
	if err != nil {
		return nil, err
	}
	theirs, err := decodeClock(text)
	if err != nil {
		return nil, unreachable("GetSystemDateAndTime", err)
	}
	if !theirs.IsZero() {
		c.setClock(theirs)
	}
	if err := p.findServices(ctx); err != nil {
		return nil, err
	}
	if text, err = c.do(ctx, call{to: base, space: nsDevice, name: "GetDeviceInformation"}); err != nil {
		return nil, err
	}
	if p.about, err = decodeAbout(text); err != nil {
		return nil, unreachable("GetDeviceInformation", err)
	}
	if err := p.findDoors(ctx); err != nil {
		return nil, err
	}
	return p, p.findPoints(ctx)
}

func (p *controller) findServices(ctx context.Context) error {
	text, err := p.caller.do(ctx, call{to: p.base, space: nsDevice, name: "GetServices", fields: "<p:IncludeCapability>false</p:IncludeCapability>"})
	if err != nil {
		return err
	}
	services, err := decodeServices(text)
	if err != nil {
		return unreachable("GetServices", err)
	}
	for _, s := range []struct {
		space string
		at    **url.URL
		must  bool
	}{{nsDoor, &p.doorAt, true}, {nsEvents, &p.events, true}, {nsAccess, &p.access, false}} {
		address, there := services[s.space]
		if !there && s.must {
			return &sashlock.Error{
				Kind: sashlock.Unavailable, Op: "finding the services of the controller", Subject: s.space,
				Hint: "the device has no doors that ONVIF can reach: it must serve profile A or C",
			}
		}
		if !there {
			continue
		}
		if *s.at, err = p.within(address); err != nil {
			return err
		}
	}
	return nil
}

// within returns the address of a service as we call it: at the configured
// host, whatever name or address the controller gives itself, and by no weaker
// protocol. So it cannot send us and our digests elsewhere.
func (p *controller) within(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, unreachable("the address of a service", errShape)
	}
	at := &url.URL{Scheme: p.base.Scheme, Host: p.base.Host, Path: u.Path, RawQuery: u.RawQuery}
	if u.Scheme == p.base.Scheme && u.Port() != "" && u.Port() != p.base.Port() && u.Hostname() == p.base.Hostname() {
		at.Host = u.Host
	}
	return at, nil
}

// findDoors lists the doors, page by page.
func (p *controller) findDoors(ctx context.Context) error {
	p.doors = nil
	return p.pages(ctx, p.doorAt, nsDoor, "GetDoorInfoList", func(text []byte) (string, error) {
		doors, next, err := decodeDoors(text)
		p.doors = append(p.doors, doors...)
		if len(p.doors) > maxDoors {
			return "", fmt.Errorf("more than %d doors: %w", maxDoors, errShape)
		}
		return next, err
	})
}

// findPoints finds out which door each access point is at. Where that cannot be
// had, credentials explain nothing.
func (p *controller) findPoints(ctx context.Context) error {
	if p.access == nil {
		return nil
	}
	err := p.pages(ctx, p.access, nsAccess, "GetAccessPointInfoList", func(text []byte) (string, error) {
		points, next, err := decodePoints(text)
		for token, door := range points {
			if len(p.points) < 4*maxDoors {
				p.points[token] = door
			}
		}
		return next, err
	})
	var f *fault
	if errors.As(err, &f) {
		return nil
	}
	return err
}

// pages asks for a list until its end.
func (p *controller) pages(ctx context.Context, at *url.URL, space, name string, take func([]byte) (next string, err error)) error {
	const most = 100
	start := ""
	for range most {
		fields := "<p:Limit>50</p:Limit>"
		if start != "" {
			fields += "<p:StartReference>" + escape(start) + "</p:StartReference>"
		}
		text, err := p.caller.do(ctx, call{to: at, space: space, name: name, fields: fields})
		if err != nil {
			return err
		}
		next, err := take(text)
		if err != nil {
			return unreachable(name, err)
		}
		if next == "" || next == start {
			return nil
		}
		start = next
	}
	return unreachable(name, fmt.Errorf("more than %d pages: %w", most, errShape))
}

// subscribe makes a pull point for the events of doors and access points.
func (p *controller) subscribe(ctx context.Context, term time.Duration) error {
	const filter = `<p:Filter><n:TopicExpression xmlns:n="http://docs.oasis-open.org/wsn/b-2" xmlns:tns1="http://www.onvif.org/ver10/topics"` +
		` Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:Door//.|tns1:AccessControl//.</n:TopicExpression></p:Filter>`
	q := call{to: p.events, space: nsEvents, name: "CreatePullPointSubscription", action: nsEvents + "/EventPortType/CreatePullPointSubscriptionRequest"}
	q.fields = filter + "<p:InitialTerminationTime>" + duration(term) + "</p:InitialTerminationTime>"
	text, err := p.caller.do(ctx, q)
	var f *fault
	if errors.As(err, &f) && f.Code != "NotAuthorized" {
		// Not every controller knows this filter; what else comes is passed over.
		q.fields = "<p:InitialTerminationTime>" + duration(term) + "</p:InitialTerminationTime>"
		text, err = p.caller.do(ctx, q)
	}
	if err != nil {
		return err
	}
	address, err := decodePullPoint(text)
	if err != nil {
		return unreachable(q.name, err)
	}
	p.pull, err = p.within(address)
	return err
}

// next waits for events.
func (p *controller) next(ctx context.Context, patience time.Duration) ([]note, error) {
	text, err := p.caller.do(ctx, call{
		to: p.pull, space: nsEvents, name: "PullMessages", action: nsEvents + "/PullPointSubscription/PullMessagesRequest",
		fields: "<p:Timeout>" + duration(patience) + "</p:Timeout><p:MessageLimit>100</p:MessageLimit>",
	})
	if err != nil {
		return nil, err
	}
	notes, err := decodeNotes(text)
	if err != nil {
		return nil, unreachable("PullMessages", err)
	}
	return notes, nil
}

// renew makes the pull point live longer.
func (p *controller) renew(ctx context.Context, term time.Duration) error {
	_, err := p.caller.do(ctx, call{
		to: p.pull, space: "http://docs.oasis-open.org/wsn/b-2", name: "Renew", action: nsNotify + "/SubscriptionManager/RenewRequest",
		fields: "<p:TerminationTime>" + duration(term) + "</p:TerminationTime>",
	})
	return err
}

// unsubscribe ends the pull point.
func (p *controller) unsubscribe(ctx context.Context) {
	if p.pull == nil {
		return
	}
	// Should it fail, the pull point ends by itself.
	_, _ = p.caller.do(ctx, call{
		to: p.pull, space: "http://docs.oasis-open.org/wsn/b-2", name: "Unsubscribe", action: nsNotify + "/SubscriptionManager/UnsubscribeRequest",
	})
}

// state reads how a door stands.
func (p *controller) state(ctx context.Context, token string) (doorState, error) {
	text, err := p.caller.do(ctx, call{to: p.doorAt, space: nsDoor, name: "GetDoorState", fields: "<p:Token>" + escape(token) + "</p:Token>"})
	if err != nil {
		return doorState{}, err
	}
	s, err := decodeState(text)
	if err != nil {
		return doorState{}, unreachable("GetDoorState", err)
	}
	return s, nil
}

// duration writes a length of time as XML does.
func duration(d time.Duration) string {
	return fmt.Sprintf("PT%dS", int(d.Round(time.Second).Seconds()))
}
