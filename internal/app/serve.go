// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/logkey"
	"github.com/sashlock/sashlock/internal/signin"
)

// Connection is how programs on this machine reach a running store node. It is
// written into the data folder, readable by its owner only: whoever can read
// that folder owns the store anyway.
type Connection struct {
	URL     string    `json:"url"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// ConnectionFile is its name in the data folder.
const ConnectionFile = "connect.json"

// connectionLife is how long the token of a connection file is valid; every
// start makes a new one.
const connectionLife = 30 * 24 * time.Hour

// Serve answers on a listener until the context ends.
func Serve(ctx context.Context, handler http.Handler, l net.Listener) error {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends streams when we stop
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		stopped <- s.Shutdown(grace)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// Connect issues a token with every scope and writes the connection file.
//
// The token of an earlier start is revoked: a copy of it opens nothing more.
func (h *House) Connect(ctx context.Context, url, file string) (Connection, error) {
	path := filepath.Join(h.Config.Data, file)
	if err := h.disconnect(ctx, path); err != nil {
		return Connection{}, err
	}
	t, secret, err := h.Signin.Issue(ctx, "", "this machine", signin.Scopes(), connectionLife)
	if err != nil {
		return Connection{}, err
	}
	c := Connection{URL: url, Token: secret, Expires: t.Expires}
	return c, writeConnection(path, c)
}

// disconnect revokes the token of a connection file, if there is one and it is
// still valid.
func (h *House) disconnect(ctx context.Context, path string) error {
	old, err := ReadConnection(path)
	if err != nil {
		return nil //nolint:nilerr // a file that cannot be read gives nobody a token
	}
	t, err := h.Signin.Check(ctx, old.Token)
	if err != nil {
		return nil //nolint:nilerr // it is not valid any more
	}
	return h.Signin.Revoke(ctx, "", t.ID)
}

func writeConnection(path string, c Connection) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return writeNew(path, append(text, '\n'))
}

// ReadConnection reads a connection file.
func ReadConnection(path string) (Connection, error) {
	var c Connection
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, &sashlock.Error{Kind: sashlock.Invalid, Op: "reading connection", Subject: path, Hint: "start the store node again: this file is damaged", Err: err}
	}
	return c, nil
}

// loopbackOnly refuses what a browser was tricked into sending: requests that
// name another host than this machine (DNS rebinding), and cross-origin writes.
func loopbackOnly(next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !isLoopback(host) {
			http.Error(w, "Sashlock answers to this machine only.", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		sameOrigin.ServeHTTP(w, r)
	})
}

// LogStart says where the store node answers.
func (h *House) LogStart(addr string) { h.Log.Info("store node started", logkey.Addr(addr)) }
