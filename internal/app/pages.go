// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"net/http"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/console/activity"
	"github.com/sashlock/sashlock/internal/console/asks"
	credentialpages "github.com/sashlock/sashlock/internal/console/credentials"
	"github.com/sashlock/sashlock/internal/console/developers"
	"github.com/sashlock/sashlock/internal/console/enter"
	"github.com/sashlock/sashlock/internal/console/fleet"
	gatewaypages "github.com/sashlock/sashlock/internal/console/gateways"
	"github.com/sashlock/sashlock/internal/console/granting"
	"github.com/sashlock/sashlock/internal/console/inside"
	"github.com/sashlock/sashlock/internal/console/lockcodes"
	"github.com/sashlock/sashlock/internal/console/manual"
	"github.com/sashlock/sashlock/internal/console/moving"
	"github.com/sashlock/sashlock/internal/console/now"
	"github.com/sashlock/sashlock/internal/console/persons"
	"github.com/sashlock/sashlock/internal/console/phone"
	"github.com/sashlock/sashlock/internal/console/planner"
	"github.com/sashlock/sashlock/internal/console/proving"
	"github.com/sashlock/sashlock/internal/console/rails"
	"github.com/sashlock/sashlock/internal/console/reports"
	"github.com/sashlock/sashlock/internal/console/rota"
	scenariopages "github.com/sashlock/sashlock/internal/console/scenarios"
	"github.com/sashlock/sashlock/internal/console/selfservice"
	"github.com/sashlock/sashlock/internal/console/settings"
	"github.com/sashlock/sashlock/internal/console/triage"
	"github.com/sashlock/sashlock/internal/console/whatif"
	"github.com/sashlock/sashlock/internal/scim"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// pages builds the console and lists its pages: one line each.
func (h *House) pages() http.Handler {
	frame := console.New(console.Options{
		Store: h.Store, Hall: h.Hall, Devices: h.Devices, Signin: h.Signin, Approvals: h.Approvals, Now: h.Now, Log: h.Log,
		Version: Version(), Verifier: h.Keys.Verifier, Demo: h.demo, Estate: h.API.Estate, Origin: h.Config.Origin,
	})
	now.Mount(frame, h.Scenarios)
	activity.Mount(frame)
	asks.Mount(frame, h.Approvals)
	inside.Mount(frame)
	credentialpages.Mount(frame, h.Credentials)
	manual.Mount(frame)
	developers.Mount(frame)
	enter.Mount(frame)
	fleet.Mount(frame)
	gatewaypages.Mount(frame, h.Gateways)
	lockcodes.Mount(frame, h.Codes)
	granting.Mount(frame)
	persons.Mount(frame)
	phone.Mount(frame, h.Assistance, h.Shopper, h.Scenarios)
	moving.Mount(frame, h.Credentials.Owner, h.Cards)
	planner.Mount(frame)
	proving.Mount(frame)
	rails.Mount(frame)
	reports.Mount(frame)
	rota.Mount(frame)
	scenariopages.Mount(frame, h.Scenarios)
	selfservice.Mount(frame, h.Shopper)
	settings.Mount(frame)
	triage.Mount(frame)
	whatif.Mount(frame)
	for _, mount := range h.mounts {
		mount(frame)
	}
	return frame.Handler()
}

// MountPages adds pages that are no part of every store: those of the demo. It
// is to be called before [House.Handler].
func (h *House) MountPages(mount func(*console.Frame)) { h.mounts = append(h.mounts, mount) }

// OpenDemoConsole lets whoever reaches the console see and use it without
// signing in, as an operator made for that, whom it returns. It is for a house
// in which nothing opens a real lock, and to be called before [House.Handler].
func (h *House) OpenDemoConsole(ctx context.Context) (sashlock.OperatorID, error) {
	err := h.Store.View(ctx, func(q store.Query) error {
		all, err := signin.Operators(q)
		for _, o := range all {
			if o.Role == signin.Owner {
				h.demo = o.ID
			}
		}
		return err
	})
	if err != nil || h.demo != "" {
		return h.demo, err
	}
	o, err := h.Signin.SaveOperator(ctx, "", signin.Operator{Name: "Visitor", Role: signin.Owner})
	h.demo = o.ID
	return o.ID, err
}

// paths shares out the paths: programs have /v1 and /healthz, directories have
// /scim, people the rest.
func (h *House) paths() http.Handler {
	mux := http.NewServeMux()
	programs := h.API.Handler()
	mux.Handle("/v1/", programs)
	mux.Handle("/healthz", programs)
	directory := scim.New(scim.Deps{Store: h.Store, Hall: h.Hall, Signin: h.Signin, Now: h.Now, Log: h.Log, Origin: h.Config.Origin, Propose: h.proposeJoins})
	mux.Handle(scim.Path, directory)
	mux.Handle("POST "+scim.ImportPath, directory)
	mux.Handle("/", h.pages())
	return mux
}
