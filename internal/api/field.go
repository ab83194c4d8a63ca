// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// complaints turn the sentences of the library that reads requests into ours:
// what is wrong, and what to do about it. $1 is what the sentence says.
var complaints = []struct {
	is                 *regexp.Regexp
	detail, suggestion string
}{
	{regexp.MustCompile(`^unexpected property$`), "there is no such field", "remove it, or correct its name"},
	{regexp.MustCompile(`^unknown query parameter$`), "there is no such parameter", "remove it, or correct its name"},
	{regexp.MustCompile(`^expected required property (\S+) to be present$`), "it is missing", "add it"},
	{regexp.MustCompile(`^required \S+ parameter is missing$`), "it is missing", "add it"},
	{regexp.MustCompile(`^request body is required$`), "it is missing", "send one JSON object, as /v1/openapi.json describes it"},
	{regexp.MustCompile(`^expected value to be one of "(.*)"$`), "it is not one of the values that are known", "choose one of $1"},
	{regexp.MustCompile(`^expected number >= (.*)$`), "it is too small", "choose $1 or more"},
	{regexp.MustCompile(`^expected number <= (.*)$`), "it is too large", "choose $1 or less"},
	{regexp.MustCompile(`^expected length >= 1$`), "it is empty", "fill it in"},
	{regexp.MustCompile(`^expected length >= (.*)$`), "it is too short", "give $1 characters or more"},
	{regexp.MustCompile(`^expected length <= (.*)$`), "it is too long", "shorten it to $1 characters"},
	{regexp.MustCompile(`^expected array length >= (.*)$`), "the list is too short", "give $1 or more"},
	{regexp.MustCompile(`^expected array length <= (.*)$`), "the list is too long", "give $1 or fewer"},
	{regexp.MustCompile(`^expected string to be RFC 3339 date-time$`), "it is not an instant", anInstant},
	{regexp.MustCompile(`^(?:invalid date/time for format|parsing time) .*$`), "it is not an instant", anInstant},
	{regexp.MustCompile(`^expected string$`), "it is not text", "write it as text in double quotes"},
	{regexp.MustCompile(`^expected boolean$|^invalid boolean$`), "it is neither true nor false", "write true or false"},
	{regexp.MustCompile(`^expected (?:integer|number)$|^invalid (?:integer|number|float|value)$`), "it is not a number", "write a whole number"},
	{regexp.MustCompile(`^expected array$`), "it is not a list", "write a list in square brackets"},
	{regexp.MustCompile(`^expected object$`), "it is not an object", "write an object in braces"},
}

const anInstant = `write it with its offset, like "2026-11-30T18:00:00+01:00"`

// fieldProblem is one complaint of the library in our words.
func fieldProblem(err error) FieldProblem {
	var d huma.ErrorDetailer
	if !errors.As(err, &d) {
		return FieldProblem{Pointer: "body", Detail: err.Error(), Suggestion: "see /v1/openapi.json"}
	}
	said := d.ErrorDetail()
	p := FieldProblem{Pointer: pointer(said.Location), Detail: said.Message, Suggestion: "see /v1/openapi.json"}
	for _, c := range complaints {
		found := c.is.FindStringSubmatchIndex(said.Message)
		if found == nil {
			continue
		}
		p.Detail = c.detail
		p.Suggestion = string(c.is.ExpandString(nil, c.suggestion, said.Message, found))
		if c.detail == "it is missing" && len(found) > 2 {
			p.Pointer = inside(p.Pointer, said.Message[found[2]:found[3]])
		}
		break
	}
	return p
}

// pointer names a field as our own checks do: "grants[3].until" within the body,
// the name alone of a parameter or header.
func pointer(location string) string {
	part, field, found := strings.Cut(location, ".")
	if !found {
		if location == "" {
			return "body"
		}
		return location
	}
	switch part {
	case "body", "query", "path", "header":
		return field
	}
	return location
}

func inside(object, field string) string {
	if object == "body" {
		return field
	}
	return object + "." + field
}
