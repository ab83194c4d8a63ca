// SPDX-License-Identifier: Apache-2.0

package phone

import (
	"context"
	"net/http"
	"strings"

	"github.com/sashlock/sashlock/internal/assistance"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// subscribe has the browser told that asks for it.
func (p pages) subscribe(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	_, err := p.room.Subscribe(r.Context(), assistance.Subscription{
		Operator: console.Who(r.Context()).Operator.ID, Endpoint: r.FormValue("endpoint"), Auth: r.FormValue("auth"), Key: r.FormValue("p256dh"),
		Device: device(r.UserAgent()),
	})
	if err != nil {
		return err
	}
	return console.Back(w, r, "/serve#messages")
}

func (p pages) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	if err := p.Form(w, r); err != nil {
		return err
	}
	id := r.FormValue("id")
	if endpoint := r.FormValue("endpoint"); endpoint != "" {
		id = assistance.IDOf(endpoint)
	}
	if err := p.room.Unsubscribe(r.Context(), console.Who(r.Context()).Operator.ID, id); err != nil {
		return err
	}
	return console.Back(w, r, "/serve#messages")
}

func (p pages) testPush(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.room.Test(r.Context(), console.Who(r.Context()).Operator.ID); err != nil {
		return err
	}
	return console.Back(w, r, "/serve#messages") // which says what came of it
}

// device is what kind of device a browser says it runs on.
func device(agent string) string {
	for _, name := range []string{"iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux"} {
		if strings.Contains(agent, name) {
			return name
		}
	}
	return ""
}

func deviceWords(ctx context.Context, device string) string {
	switch device {
	case "":
		return lang.T(ctx, "A browser")
	case "Android":
		return lang.T(ctx, "An Android device")
	case "Macintosh":
		return "Mac"
	}
	return device
}
