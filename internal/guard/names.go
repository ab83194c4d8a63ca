// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Things have two names, a slug and an identifier, but Cedar compares one. So
// the thing that asks or is asked for has its identifier as its name and its
// slug as something it is in, and == becomes in, which holds for both. The
// validator sees rules before that, the evaluators after.

// renameScope rewrites the head of a rule.
func renameScope(p *ast.Policy) {
	if eq, is := p.Principal.(ast.ScopeTypeEq); is {
		p.Principal = ast.ScopeTypeIn(eq)
	}
	if eq, is := p.Resource.(ast.ScopeTypeEq); is {
		p.Resource = ast.ScopeTypeIn(eq)
	}
}

// party reports whether an expression is the principal or the resource.
func party(n ast.IsNode) bool {
	v, is := n.(ast.NodeTypeVariable)
	return is && (v.Name == "principal" || v.Name == "resource")
}

// someone reports whether an expression is one entity by name, or a set of them.
func someone(n ast.IsNode) bool {
	switch n := n.(type) {
	case ast.NodeValue:
		_, is := n.Value.(types.EntityUID)
		return is
	case ast.NodeTypeSet:
		for _, e := range n.Elements {
			if v, is := e.(ast.NodeValue); !is || !someone(v) {
				return false
			}
		}
		return true
	}
	return false
}

// renamer rewrites expressions. It is not ok when one uses principal or
// resource in a way in which only one of the names would count.
type renamer struct{ ok bool }

func (r *renamer) both(b ast.BinaryNode) ast.BinaryNode {
	return ast.BinaryNode{Left: r.node(b.Left), Right: r.node(b.Right)}
}

// equal rewrites == with principal or resource on one side.
func (r *renamer) equal(b ast.BinaryNode) (ast.IsNode, bool) {
	left, right := b.Left, b.Right
	if party(right) {
		left, right = right, left
	}
	if party(left) && someone(right) {
		return ast.NodeTypeIn{BinaryNode: ast.BinaryNode{Left: left, Right: right}}, true
	}
	return nil, false
}

// node rewrites an expression.
func (r *renamer) node(n ast.IsNode) ast.IsNode {
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		if in, is := r.equal(n.BinaryNode); is {
			return in
		}
		return ast.NodeTypeEquals{BinaryNode: r.both(n.BinaryNode)}
	case ast.NodeTypeNotEquals:
		if in, is := r.equal(n.BinaryNode); is {
			return ast.NodeTypeNot{UnaryNode: ast.UnaryNode{Arg: in}}
		}
		return ast.NodeTypeNotEquals{BinaryNode: r.both(n.BinaryNode)}
	case ast.NodeTypeContains:
		if party(n.Right) && someone(n.Left) {
			return ast.NodeTypeIn{BinaryNode: ast.BinaryNode{Left: n.Right, Right: n.Left}}
		}
		return ast.NodeTypeContains{BinaryNode: r.both(n.BinaryNode)}
	case ast.NodeTypeIn:
		if party(n.Left) && someone(n.Right) {
			return n
		}
		return ast.NodeTypeIn{BinaryNode: r.both(n.BinaryNode)}
	case ast.NodeTypeIs:
		if party(n.Left) {
			return n
		}
		return ast.NodeTypeIs{Left: r.node(n.Left), EntityType: n.EntityType}
	case ast.NodeTypeIsIn:
		if party(n.Left) && someone(n.Entity) {
			return n
		}
		n.Left, n.Entity = r.node(n.Left), r.node(n.Entity)
		return n
	case ast.NodeTypeAccess:
		if party(n.Arg) {
			return n
		}
		n.Arg = r.node(n.Arg)
		return n
	case ast.NodeTypeHas:
		if party(n.Arg) {
			return n
		}
		n.Arg = r.node(n.Arg)
		return n
	}
	return r.plain(n)
}

// plain rewrites the parts of an expression that is itself left as it is.
func (r *renamer) plain(n ast.IsNode) ast.IsNode {
	switch n := n.(type) {
	case ast.NodeTypeAnd:
		return ast.NodeTypeAnd{BinaryNode: r.both(n.BinaryNode)}
	case ast.NodeTypeOr:
		return ast.NodeTypeOr{BinaryNode: r.both(n.BinaryNode)}
	case ast.NodeTypeNot:
		return ast.NodeTypeNot{UnaryNode: ast.UnaryNode{Arg: r.node(n.Arg)}}
	case ast.NodeTypeIfThenElse:
		return ast.NodeTypeIfThenElse{If: r.node(n.If), Then: r.node(n.Then), Else: r.node(n.Else)}
	}
	// What is left compares, counts or looks into sets: fine as long as neither
	// principal nor resource is in it but for their attributes, and no == that
	// would have to be rewritten.
	ast.Inspect(ast.NewNode(n), func(inner ast.IsNode) bool {
		switch inner := inner.(type) {
		case ast.NodeTypeAccess:
			return !party(inner.Arg)
		case ast.NodeTypeHas:
			return !party(inner.Arg)
		case ast.NodeTypeVariable:
			r.ok = r.ok && !party(inner)
		}
		return true
	})
	return n
}
