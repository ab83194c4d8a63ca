// SPDX-License-Identifier: Apache-2.0

package store

import (
	"database/sql"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/sashlock/sashlock"
)

// engine is what differs between the databases.
type engine interface {
	name() string
	// openWriter opens the database for the one writing connection.
	openWriter() (*sql.DB, error)
	// openReaders opens the pool for everybody else.
	openReaders() (*sql.DB, error)
	// openCarrier opens a connection that carries a write-ahead log over into
	// the database beside the writer; nil when that is the engine's own affair.
	openCarrier() (*sql.DB, error)
	// begin returns the statement that begins a writing transaction.
	begin() string
	// readOptions are the options of a consistent read transaction.
	readOptions() *sql.TxOptions
	// lock takes what must be held before anything may be written.
	lock() (closer, error)
	// fence is run on the writing connection to keep other writers out.
	fence() string
	// unfence lets them in again.
	unfence() string
	// rebind rewrites the "?" of a query.
	rebind(query string) string
	// schema rewrites a migration, which is written for SQLite.
	schema(ddl string) string
	// unwritable reports whether err means that the database cannot be
	// written, as opposed to that it did not like what we wrote.
	unwritable(err error) bool
	// doubtful reports whether after err what is on disk must be looked at
	// afresh, because a write or fsync failed or the connection is gone.
	doubtful(err error) bool
	// settle makes what is in a log of the database durable in its place.
	settle() string
	// file is the path of the database, or "" if it is not ours to look at.
	file() string
}

// newEngine picks the engine by the scheme of the URL.
func newEngine(url string) (engine, error) {
	scheme, rest, _ := strings.Cut(url, "://")
	switch scheme {
	case "sqlite":
		if rest != "" {
			return &sqliteEngine{path: rest}, nil
		}
	case "postgres", "postgresql":
		return &postgresEngine{url: url}, nil
	}
	return nil, &sashlock.Error{Kind: sashlock.Invalid, Op: "opening the store", Hint: "the URL must begin with sqlite:/// or postgres://"}
}

// numbered rewrites the "?" of a query to "$1", "$2" and so on, leaving quoted
// text alone. Queries are few and fixed, so the result is kept.
func numbered(query string, known *sync.Map) string {
	if q, ok := known.Load(query); ok {
		return q.(string)
	}
	var b strings.Builder
	n, quoted := 0, false
	for i := range len(query) {
		c := query[i]
		switch {
		case c == '\'':
			quoted = !quoted
		case c == '?' && !quoted:
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			continue
		}
		b.WriteByte(c)
	}
	known.Store(query, b.String())
	return b.String()
}

// plain turns arguments into what both databases take: named string types into
// strings, truth values into 0 and 1.
func plain(args []any) []any {
	for i, a := range args {
		switch a := a.(type) {
		case nil, string, int64, []byte, float64:
		case int:
			args[i] = int64(a)
		case bool:
			args[i] = int64(0)
			if a {
				args[i] = int64(1)
			}
		default:
			args[i] = plainKind(a)
		}
	}
	return args
}

// plainKind is plain for types of the vocabulary.
func plainKind(a any) any {
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Bool:
		if v.Bool() {
			return int64(1)
		}
		return int64(0)
	}
	return a // an sql.NullString, driver.Valuer and the like
}
