// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"net/http"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/console/now"
	"github.com/sashlock/sashlock/internal/signin"
)

// pages builds the console and lists its pages: one line each.
func (h *House) pages() http.Handler {
	frame := console.New(console.Options{
		Store: h.Store, Hall: h.Hall, Devices: h.Devices, Now: h.Now, Log: h.Log, Version: Version(),
		Demo: h.demo != "", Operator: h.demo,
	})
	now.Mount(frame)
	return frame.Handler()
}

// OpenDemoConsole lets whoever reaches the console see and use it without
// signing in, on behalf of an operator made for that, which it returns. It is
// for a house in which nothing opens a real lock, and to be called before
// [House.Handler].
func (h *House) OpenDemoConsole(ctx context.Context) (sashlock.OperatorID, error) {
	t, _, err := h.Signin.Issue(ctx, "", "demo console", []signin.Scope{signin.Read, signin.Release, signin.Alarms}, connectionLife)
	if err != nil {
		return "", err
	}
	h.demo = t.ID
	return t.ID, nil
}

// paths shares out the paths: programs have /v1 and /healthz, people the rest.
func (h *House) paths() http.Handler {
	mux := http.NewServeMux()
	programs := h.API.Handler()
	mux.Handle("/v1/", programs)
	mux.Handle("/healthz", programs)
	mux.Handle("/", h.pages())
	return mux
}
