// SPDX-License-Identifier: Apache-2.0

package people

import (
	"slices"
	"strings"

	"github.com/sashlock/sashlock/internal/table"
)

// column is what a column of a list is about.
type column int

const (
	unknown column = iota
	slugColumn
	nameColumn
	givenColumn
	familyColumn
	rolesColumn
	fromColumn
	untilColumn
	suspendedColumn
	activeColumn
	externalColumn
	columns // how many there are
)

// headings are what personnel systems write above their columns, in plain
// letters. The first is the one of our own.
func headings(c column) []string {
	switch c {
	case slugColumn:
		return []string{"slug", "short name", "user name", "username", "user", "login", "login name", "account", "alias", "usuario", "benutzername", "identifiant"}
	case nameColumn:
		return []string{"name", "full name", "display name", "employee name", "employee", "worker", "person", "preferred name", "nombre completo", "nombre y apellidos", "vollstandiger name", "nom complet", "nome completo"}
	case givenColumn:
		return []string{"given name", "first name", "forename", "legal first name", "preferred first name", "nombre", "vorname", "prenom", "nome"}
	case familyColumn:
		return []string{"family name", "last name", "surname", "legal last name", "apellidos", "apellido", "nachname", "familienname", "nom", "nom de famille", "cognome", "apelido", "sobrenome"}
	case rolesColumn:
		return []string{"roles", "role", "groups", "group", "job title", "job", "title", "position", "business title", "funciones", "funcion", "puesto", "rolle", "rollen", "stelle", "poste", "fonction", "cargo"}
	case fromColumn:
		return []string{"from", "valid from", "start date", "start", "hire date", "date of hire", "hired", "join date", "joining date", "entry date", "fecha de alta", "fecha de inicio", "desde", "eintrittsdatum", "eintritt", "date d entree", "data de admissao"}
	case untilColumn:
		return []string{"until", "valid until", "end date", "end", "termination date", "leaving date", "last day", "last working day", "exit date", "contract end", "fecha de baja", "fecha de fin", "hasta", "austrittsdatum", "austritt", "date de sortie", "data de saida"}
	case suspendedColumn:
		return []string{"suspended", "disabled", "blocked", "inactive", "suspendida", "suspendido", "gesperrt", "suspendu"}
	case activeColumn:
		return []string{"active", "status", "employment status", "employee status", "worker status", "enabled", "activo", "activa", "estado", "aktiv", "actif", "statut", "ativo"}
	case externalColumn:
		return []string{"external id", "external identifier", "employee id", "employee number", "employee no", "emp id", "emp no", "staff id", "staff number", "worker id", "person id", "personnel number", "payroll number", "associate id", "hr id", "id", "no", "numero de empleado", "matricula", "personalnummer", "mitarbeiternummer", "matricule"}
	}
	return nil
}

// columnOf understands a heading, whatever its case, accents and signs.
func columnOf(heading string) column {
	plain := table.PlainWords(heading, ' ')
	for c := slugColumn; c < columns; c++ {
		if slices.Contains(headings(c), plain) {
			return c
		}
	}
	return unknown
}

// maxSlug leaves room for a number behind a short name.
const maxSlug = 34

// SlugOf makes a short name of what somebody or something is called: of the
// part before the @ where it is an address. It may be empty.
func SlugOf(called string) string {
	if before, _, is := strings.Cut(called, "@"); is && before != "" {
		called = before
	}
	s := table.PlainWords(called, '-')
	return strings.Trim(s[:min(len(s), maxSlug)], "-")
}

// Free makes a short name one that nobody has yet, by a number behind it.
func Free(slug, instead string, taken func(string) bool) string {
	if slug == "" {
		slug = instead
	}
	free := slug
	for n := 2; taken(free); n++ {
		free = slug + "-" + formatted(n)
	}
	return free
}
