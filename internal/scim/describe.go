// SPDX-License-Identifier: Apache-2.0

package scim

import (
	"net/http"

	"github.com/sashlock/sashlock/internal/people"
)

type object = map[string]any

// config says what is offered (RFC 7643 §5).
func (s *server) config(r *http.Request) (reply, error) {
	no := object{"supported": false}
	return reply{body: object{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          object{"supported": true},
		"bulk":           object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":         object{"supported": true, "maxResults": maxPage},
		"changePassword": no,
		"sort":           no,
		"etag":           object{"supported": true},
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "Token", "primary": true,
			"description": "Authorization: Bearer sash_…, a token with the scope directory",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": s.base(r) + "/ServiceProviderConfig"},
	}}, nil
}

// types are the kinds of resources (RFC 7643 §6).
func (s *server) types(r *http.Request) (reply, error) {
	kind := func(name, path, about, schema string) object {
		return object{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"},
			"id":      name, "name": name, "endpoint": path, "description": about, "schema": schema,
			"meta": object{"resourceType": "ResourceType", "location": s.base(r) + "/ResourceTypes/" + name},
		}
	}
	user := kind("User", "/Users", "A person who may open something", userSchema)
	user["schemaExtensions"] = []object{{"schema": accessSchema, "required": false}}
	return described(r, user, kind("Group", "/Groups", "A role: people to whom grants are given together", groupSchema))
}

// schemas are the attributes that are kept (RFC 7643 §7).
func (s *server) schemas(r *http.Request) (reply, error) {
	schema := func(id, name, about string, attributes ...object) object {
		return object{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"},
			"id":      id, "name": name, "description": about, "attributes": attributes,
			"meta": object{"resourceType": "Schema", "location": s.base(r) + "/Schemas/" + id},
		}
	}
	reference := func(name, about string, readOnly bool) object {
		a := attribute(name, "complex", about)
		a["multiValued"] = true
		if readOnly {
			a["mutability"] = "readOnly"
		}
		a["subAttributes"] = []object{attribute("value", "string", "Identifier"), fixed(attribute("display", "string", "Name")), fixed(attribute("type", "string", "Kind"))}
		return a
	}
	name := attribute("name", "complex", "The same as displayName")
	name["subAttributes"] = []object{attribute("formatted", "string", "The whole name")}
	userName := attribute("userName", "string", "The name the person signs in with in the directory")
	userName["required"], userName["uniqueness"] = true, "server"
	display := attribute("displayName", "string", "What the role is called")
	display["required"], display["uniqueness"] = true, "server"
	return described(r,
		schema(userSchema, "User", "A person. Other attributes are accepted and not kept.",
			userName, name, attribute("displayName", "string", "What colleagues call them"),
			attribute("active", "boolean", "False: they left, and are refused at every opening"), reference("groups", "The roles they have", true)),
		schema(groupSchema, "Group", "A role", display, reference("members", "Who has the role", false)),
		schema(accessSchema, "Access", "How the person stands",
			fixed(attribute("suspended", "boolean", "Refused at every opening, by the directory or by an operator")),
			fixed(attribute("left", "dateTime", "When they left")),
			fixed(attribute("pending", "reference", "Locks that still hold a code of theirs; none where this store node takes every decision"))),
	)
}

func attribute(name, kind, about string) object {
	return object{
		"name": name, "type": kind, "multiValued": false, "description": about, "required": false,
		"caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
}

func fixed(a object) object {
	a["mutability"] = "readOnly"
	return a
}

// described answers with all descriptions, or with the one of an address.
func described(r *http.Request, all ...object) (reply, error) {
	id := r.PathValue("id")
	for _, one := range all {
		if id != "" && one["id"] == id {
			return reply{body: one}, nil
		}
	}
	if id != "" {
		return reply{}, &fault{http.StatusNotFound, "", "there is no such description"}
	}
	return reply{body: object{"schemas": []string{listSchema}, "totalResults": len(all), "startIndex": 1, "itemsPerPage": len(all), "Resources": all}}, nil
}

// Imported answers about a list of people.
type Imported struct {
	people.Plan

	Done bool `json:"done"` // it was applied
}
