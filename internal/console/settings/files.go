// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"net/http"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/estate"
	"github.com/sashlock/sashlock/internal/files"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/reach"
	"github.com/sashlock/sashlock/internal/signin"
	"github.com/sashlock/sashlock/internal/store"
)

// filesPath is the page of the files that declare things.
const filesPath = "/settings/files"

func (p pages) mountFiles() {
	p.Handle("GET "+filesPath, signin.Setup, p.files)
	p.Dangerous("POST "+filesPath+"/forget", signin.Setup, p.forget)
}

// filed is a file as the page shows it.
type filed struct {
	files.Drifted
	By   string // who applied it last
	When time.Time
}

func (p pages) files(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if o := console.Who(ctx).Operator; len(o.Sites)+len(o.Areas) > 0 {
		return p.Refuse(ctx, "the files that declare the whole estate")
	}
	site, err := p.Site(r)
	if err != nil {
		return err
	}
	have, err := p.Estate(ctx)
	if err != nil {
		return err
	}
	var kept []files.File
	names := map[sashlock.OperatorID]string{}
	err = p.Store.View(ctx, func(q store.Query) error {
		operators, err := signin.Operators(q)
		if err != nil {
			return err
		}
		for _, o := range operators {
			names[o.ID] = o.Name
		}
		kept, err = files.List(q)
		return err
	})
	if err != nil {
		return err
	}
	zone := console.LocalTime(site, p.Now()).Location()
	var all []filed
	for _, d := range files.Drift(have, kept) {
		all = append(all, filed{d, names[d.By], d.Applied.In(zone)})
	}
	h := console.Head{Title: lang.T(ctx, "Declared by files"), Section: console.InSettings, Styles: []string{"settings.css"}}
	h.About = lang.T(ctx, "What a file declares belongs to it. Everybody who may can still change it here; what differs from the file then is listed, and applying the file again puts it back.")
	return p.Show(w, r, h, filesPage(all))
}

func (p pages) forget(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	ctx := r.Context()
	who := console.Who(ctx).Operator
	if len(who.Sites)+len(who.Areas) > 0 {
		return p.Refuse(ctx, "the files that declare the whole estate")
	}
	_, err := p.Hall.Change(ctx, flow.Change{Operator: who.ID, Make: func(tx *store.Tx) (flow.Edit, error) {
		e, err := files.Forget(tx, r.PostFormValue("name"))
		return flow.Edit{Events: []sashlock.Event{e}}, err
	}})
	if err != nil {
		return err
	}
	return console.Back(w, r, filesPath)
}

// pathOf is the page of what a step is about; empty where it has none.
func pathOf(s estate.Step) string {
	if s.Verb == "add" {
		return "" // it is gone
	}
	return console.PathOf(reach.Name{Kind: s.Kind, Ref: s.Ref})
}
