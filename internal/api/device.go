// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/approvals"
	"github.com/sashlock/sashlock/internal/devices"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// Device is one thing with an address.
type Device struct {
	ID           string                `json:"id"`
	Driver       string                `json:"driver"`
	Gateway      string                `json:"gateway"`
	Address      string                `json:"address"`
	Name         string                `json:"name,omitempty"`
	Maker        string                `json:"maker,omitempty"`
	Model        string                `json:"model,omitempty"`
	Firmware     string                `json:"firmware,omitempty"`
	Security     string                `json:"security,omitempty" doc:"How its link is protected"`
	Weak         string                `json:"weak,omitempty" doc:"Why its link is weak, if it is"`
	Capabilities []sashlock.Capability `json:"capabilities"`
	Opening      string                `json:"opening,omitempty" doc:"Opening it is fitted to; empty: it waits in the inbox"`
	Online       bool                  `json:"online"`
	Battery      *int                  `json:"battery,omitempty" doc:"Percent, if it ever said"`
	Heard        time.Time             `json:"heard,omitzero"`
}

type deviceInput struct {
	Ref string `path:"ref" maxLength:"200" doc:"Identifier"`
}

type deviceAnswer struct {
	Status   int
	Proposal string `header:"Sashlock-Proposal" doc:"With 202: nothing is fitted or taken away yet, it waits under this identifier for an operator to confirm it in the console"`
	Body     Device
}

type adoptInput struct {
	Ref  string `path:"ref" maxLength:"200" doc:"Identifier"`
	Body struct {
		Opening string `json:"opening" minLength:"1" maxLength:"100" doc:"Opening it is fitted to: slug or identifier"`
	}
}

func (a *API) deviceRoutes() {
	tags := []string{"devices"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/devices", OperationID: "list-device", Tags: tags, Summary: "List devices, found and adopted",
	}, a.listDevices)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/devices/{ref}", OperationID: "get-device", Tags: tags, Summary: "Show one device",
	}, func(ctx context.Context, in *deviceInput) (*deviceAnswer, error) { return a.device(ctx, in.Ref) })
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodPut, Path: "/v1/devices/{ref}/adoption", OperationID: "adopt-device", Tags: tags,
		Summary: "Fit a device to an opening",
	}, a.adopt)
	register(a, signin.Setup, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/devices/{ref}/adoption", OperationID: "remove-device", Tags: tags,
		Summary: "Take a device away from its opening",
	}, func(ctx context.Context, in *deviceInput) (*deviceAnswer, error) {
		_, err := a.Devices.Remove(ctx, caller(ctx).ID, in.Ref)
		return a.fitted(ctx, err, in.Ref, "")
	})
}

func (a *API) listDevices(ctx context.Context, in *Paging) (*pageAnswer[Device], error) {
	var list []sashlock.Device
	if err := a.view(ctx, func(q store.Query) (err error) { list, err = devices.List(q); return err }); err != nil {
		return nil, err
	}
	states, err := a.Store.DeviceStates(ctx)
	if err != nil {
		return nil, err
	}
	said := make(map[sashlock.DeviceID]sashlock.DeviceState, len(states))
	for _, s := range states {
		said[s.Device] = s
	}
	out := make([]Device, len(list))
	for i, d := range list {
		out[i] = a.deviceView(d, said)
	}
	return paged(*in, ascending, out, func(d Device) string { return d.Gateway + "/" + d.Address })
}

func (a *API) device(ctx context.Context, ref string) (*deviceAnswer, error) {
	var d sashlock.Device
	if err := a.view(ctx, func(q store.Query) (err error) { d, err = devices.Find(q, ref); return err }); err != nil {
		return nil, err
	}
	states, err := a.Store.DeviceStates(ctx)
	if err != nil {
		return nil, err
	}
	said := map[sashlock.DeviceID]sashlock.DeviceState{}
	for _, s := range states {
		said[s.Device] = s
	}
	return &deviceAnswer{Status: http.StatusOK, Body: a.deviceView(d, said)}, nil
}

func (a *API) deviceView(d sashlock.Device, said map[sashlock.DeviceID]sashlock.DeviceState) Device {
	out := Device{
		ID: string(d.ID), Driver: d.Driver, Gateway: d.Gateway, Address: d.Address, Name: d.Name, Maker: d.Maker, Model: d.Model,
		Firmware: d.Firmware, Security: d.Security, Weak: d.Weak, Capabilities: d.Capabilities,
	}
	if d.Opening != "" {
		out.Opening = naming(a.Hall.Book())(estate.Openings, string(d.Opening))
	}
	if s, ever := said[d.ID]; ever {
		out.Online, out.Heard = s.Online, s.Heard
		if s.Battery >= 0 {
			out.Battery = &s.Battery
		}
	}
	return out
}

func (a *API) adopt(ctx context.Context, in *adoptInput) (*deviceAnswer, error) {
	var o sashlock.Opening
	if err := a.view(ctx, func(q store.Query) (err error) { o, err = sites.FindOpening(q, in.Body.Opening); return err }); err != nil {
		return nil, err
	}
	_, err := a.Devices.Adopt(ctx, caller(ctx).ID, in.Ref, o.ID)
	return a.fitted(ctx, err, in.Ref, o.Slug)
}

// fitted shows a device after it was fitted to an opening, or taken away where
// that is empty; err says whether it was. What a second operator has to confirm
// waits.
func (a *API) fitted(ctx context.Context, err error, ref, to string) (*deviceAnswer, error) {
	held := errors.Is(err, approvals.ErrHeld)
	if err != nil && !held {
		return nil, err
	}
	answer, err := a.device(ctx, ref)
	if err != nil || !held {
		return answer, err
	}
	answer.Status = http.StatusAccepted
	fit := approvals.Fit{Device: sashlock.DeviceID(answer.Body.ID), From: answer.Body.Opening, To: to}
	answer.Proposal, err = a.propose(ctx, approvals.PlaceKind, approvals.Change{Fits: []approvals.Fit{fit}}, 0)
	return answer, err
}
