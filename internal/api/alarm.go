// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/alarms"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// Alarm is a condition that wants an operator.
type Alarm struct {
	ID           string         `json:"id"`
	Rule         string         `json:"rule" doc:"The rule that found it"`
	Level        sashlock.Level `json:"level" enum:"act,check,note" doc:"act: now; check: this shift; note: never notifies"`
	Site         string         `json:"site"`
	Opening      string         `json:"opening"`
	Why          string         `json:"why" doc:"What was seen and what was expected"`
	Raised       time.Time      `json:"raised"`
	Cleared      time.Time      `json:"cleared,omitzero" doc:"When the condition was over"`
	Acknowledged time.Time      `json:"acknowledged,omitzero" doc:"When an operator had seen it"`
	By           string         `json:"acknowledged_by,omitempty"`
	Standing     bool           `json:"standing" doc:"It is not both cleared and acknowledged"`
}

type alarmsInput struct {
	All bool `query:"all" doc:"Also those that are cleared and acknowledged"`
	Paging
}

type alarmAnswer struct{ Body Alarm }

func (a *API) alarmRoutes() {
	tags := []string{"alarms"}
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/alarms", OperationID: "list-alarm", Tags: tags, Summary: "List alarms, newest first",
	}, a.listAlarms)
	register(a, signin.Read, huma.Operation{
		Method: http.MethodGet, Path: "/v1/alarms/{ref}", OperationID: "get-alarm", Tags: tags, Summary: "Show one alarm",
	}, func(ctx context.Context, in *refInput) (*alarmAnswer, error) {
		var found sashlock.Alarm
		err := a.view(ctx, func(q store.Query) (err error) { found, err = alarms.Find(q, in.Ref); return err })
		if err == nil && !caller(ctx).Hears(found.Rule) {
			return nil, &sashlock.Error{Kind: sashlock.NotFound, Op: "finding alarm", Subject: in.Ref, Hint: "there is no such alarm"}
		}
		return &alarmAnswer{a.alarm(found)}, err
	})
	register(a, signin.Alarms, huma.Operation{
		Method: http.MethodPut, Path: "/v1/alarms/{ref}/acknowledgement", OperationID: "acknowledge-alarm", Tags: tags,
		Summary: "Say that somebody has seen an alarm",
	}, func(ctx context.Context, in *refInput) (*alarmAnswer, error) {
		found, err := alarms.Acknowledge(ctx, a.Hall, caller(ctx).ID, sashlock.AlarmID(in.Ref))
		return &alarmAnswer{a.alarm(found)}, err
	})
}

func (a *API) listAlarms(ctx context.Context, in *alarmsInput) (*pageAnswer[Alarm], error) {
	before, err := in.position()
	if err != nil {
		return nil, err
	}
	var list []sashlock.Alarm
	if err := a.view(ctx, func(q store.Query) (err error) {
		list, err = alarms.List(q, in.All, before, in.Limit+1)
		return err
	}); err != nil {
		return nil, err
	}
	out := &pageAnswer[Alarm]{Body: Page[Alarm]{Data: []Alarm{}, HasMore: len(list) > in.Limit}}
	for _, one := range list[:min(len(list), in.Limit)] {
		if caller(ctx).Hears(one.Rule) {
			out.Body.Data = append(out.Body.Data, a.alarm(one))
		}
	}
	if out.Body.HasMore {
		out.next(in.Paging, string(list[in.Limit-1].ID))
	}
	return out, nil
}

func (a *API) alarm(l sashlock.Alarm) Alarm {
	name := naming(a.Hall.Book())
	return Alarm{
		ID: string(l.ID), Rule: l.Rule, Level: l.Level, Site: name(estate.Sites, string(l.Site)), Opening: name(estate.Openings, string(l.Opening)),
		Why: l.Why, Raised: l.Raised, Cleared: l.Cleared, Acknowledged: l.Acknowledged, By: string(l.By), Standing: l.Standing(),
	}
}
