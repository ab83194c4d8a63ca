// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/sites"
	"github.com/sashlock/sashlock/internal/store"
)

// GuestCode lets one customer open display cases of a site themselves.
type GuestCode struct {
	Code  string    `json:"code" example:"K7MQ-3XTD" doc:"To be typed at a case; it works once, and is shown only here"`
	Site  string    `json:"site"`
	Until time.Time `json:"until" doc:"When it ends, used or not"`
}

type guestCodeAnswer struct{ Body GuestCode }

type guestCodeInput struct {
	Ref  string `path:"ref" maxLength:"100" doc:"Slug or identifier of the site"`
	Body struct {
		Minutes int `json:"minutes,omitempty" minimum:"1" maximum:"60" default:"10" doc:"For how long the code may be used"`
	}
}

func (a *API) guestRoutes() {
	register(a, signin.Serve, huma.Operation{
		Method: http.MethodPost, Path: "/v1/sites/{ref}/guest-codes", OperationID: "create-guest-code", Tags: []string{"guests"},
		Summary:       "Make a one-time code for a customer",
		Description:   "For a till or a loyalty system: the customer types the code on the page behind the code on a case. Only where the site lets customers open cases themselves.",
		DefaultStatus: http.StatusCreated,
	}, a.makeGuestCode)
}

func (a *API) makeGuestCode(ctx context.Context, in *guestCodeInput) (*guestCodeAnswer, error) {
	var site sashlock.Site
	err := a.view(ctx, func(q store.Query) (err error) { site, err = sites.FindSite(q, in.Ref); return err })
	if err != nil {
		return nil, err
	}
	minutes := in.Body.Minutes
	if minutes == 0 {
		minutes = 10
	}
	c, until, err := a.Shopper.MakeCode(ctx, caller(ctx).ID, site.ID, time.Duration(minutes)*time.Minute)
	if err != nil {
		return nil, err
	}
	return &guestCodeAnswer{GuestCode{Code: c.String(), Site: site.Slug, Until: until}}, nil
}
