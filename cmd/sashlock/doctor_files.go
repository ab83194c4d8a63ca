// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/app"
)

// privateFiles are what nobody else may read: with the first three one can do
// what the store node can, and the rest tells who works here and when.
var privateFiles = [...]string{
	"keys", "keys/ledger.key", "keys/command.key", // sign the ledger and commands
	app.ConnectionFile, "demo.json", // a token with every scope
	app.ConfigFile, // may hold the password of a database
	"store.db", "store.db-wal", "emergency.journal",
}

// mayLook reports whether whoever runs the doctor may read the data folder.
func (x *examination) mayLook() bool {
	for _, name := range append([]string{"."}, privateFiles[:]...) {
		f, err := os.Open(filepath.Join(x.data, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrPermission) {
			x.bad("files", "run the doctor as the owner of the data folder, with sudo -u for instance", "%v", err)
			return false
		}
		if err == nil {
			f.Close() //nolint:errcheck,gosec // nothing was done with it
		}
	}
	return true
}

// keys looks at the secrets: all there, and fitting together.
func (x *examination) keys() {
	_, err := app.ReadKeys(x.data)
	switch _, none := os.Stat(filepath.Join(x.data, "keys")); {
	case err == nil:
		x.good("keys", "present")
	case errors.Is(none, fs.ErrNotExist) && !x.used():
		x.bad("keys", "sashlock init --data "+x.data, "this folder was not set up")
	default:
		x.bad("keys", "restore the keys folder from a backup", "%v", err)
	}
}

// used reports whether a store node ever ran on the folder.
func (x *examination) used() bool {
	_, err := os.Stat(filepath.Join(x.data, "emergency.journal"))
	return err == nil
}

// files looks for what others may read.
func (x *examination) files() {
	if !permissionsCount {
		return
	}
	for _, name := range privateFiles {
		path := filepath.Join(x.data, filepath.FromSlash(name))
		info, err := os.Stat(path)
		if err != nil {
			continue // keys and database say what is missing
		}
		if open := info.Mode().Perm() & 0o077; open != 0 {
			x.bad("files", "chmod -R go= "+x.data, "others may read %s (%v)", path, info.Mode().Perm())
			return
		}
	}
	x.good("files", "nobody else may read them")
}

// config reads the configuration. Without it the database is not known.
func (x *examination) config() bool {
	c, err := app.ReadConfig(x.data)
	if err != nil {
		x.bad("config", "mend "+filepath.Join(x.data, app.ConfigFile), "%v", wordOf(err))
		return false
	}
	x.postgres = c.Database != ""
	x.good("config", "listens on %s, %s", c.Listen, count(len(c.Gateways), "gateway", "gateways"))
	return true
}

// wordOf leaves out of an error what the line it stands in says already.
func wordOf(err error) error {
	var e *sashlock.Error
	if !errors.As(err, &e) || e.Hint == "" {
		return err
	}
	short := *e
	short.Op = ""
	return &short
}
