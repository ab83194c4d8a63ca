// SPDX-License-Identifier: Apache-2.0

// Package manual shows the documents in the console: guides, runbooks,
// references.
//
// # How it fits
//
// The documents are Markdown files in the folder docs, embedded into the
// program, so they are there when the network is not. They hold nothing of the
// store and are shown to everybody.
//
// # Promises
//
// Only files of that folder are shown. What they contain is text: markup in
// them is not passed on.
package manual

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/docs"
	"github.com/sashlock/sashlock/internal/console"
	"github.com/sashlock/sashlock/internal/lang"
)

// pages answers for the paths of this package.
type pages struct {
	*console.Frame
	reader goldmark.Markdown
}

// Mount adds the pages to a frame.
func Mount(f *console.Frame) {
	p := pages{f, goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))}
	f.Public("GET /docs", p.document)
	f.Public("GET /docs/{path...}", p.document)
}

// document shows one document, or a picture that belongs to one.
func (p pages) document(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("path")
	if path.Ext(name) == ".png" || path.Ext(name) == ".jpg" || path.Ext(name) == ".json" {
		http.ServeFileFS(w, r, docs.Files, name)
		return nil
	}
	file, source, err := find(name)
	if err != nil {
		return &sashlock.Error{Kind: sashlock.NotFound, Op: "showing document", Subject: name, Hint: "there is no such document"}
	}
	tree := p.reader.Parser().Parse(text.NewReader(source))
	title := titleOf(tree, source)
	point(tree, path.Dir(file))
	var body bytes.Buffer
	if err := p.reader.Renderer().Render(&body, source, tree); err != nil {
		return err
	}
	head := console.Head{Title: title, Styles: []string{"manual.css"}}
	return p.Show(w, r, head, article(file, guides(), templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := w.Write(body.Bytes()) // made by the Markdown reader, which lets no markup of the documents through
		return err
	})))
}

// find reads the document of an address: with or without its ending, and of a
// folder its README.
func find(name string) (file string, source []byte, err error) {
	name = strings.Trim(name, "/")
	if name == "" {
		name = "guide"
	}
	for _, file = range []string{name, name + ".md", path.Join(name, "README.md")} {
		if path.Ext(file) != ".md" || !fs.ValidPath(file) {
			continue
		}
		if source, err = fs.ReadFile(docs.Files, file); err == nil {
			return file, notes.ReplaceAll(source, nil), nil
		}
	}
	return "", nil, fs.ErrNotExist
}

// notes are what documents say to the tests that hold them, and to nobody else.
var notes = regexp.MustCompile(`(?m)^<!-- .* -->\n`)

// titleOf is the first heading of a document.
func titleOf(tree ast.Node, source []byte) string {
	title := lang.Mark("Guides")
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker returns no error
		h, is := n.(*ast.Heading)
		if !is || !entering {
			return ast.WalkContinue, nil
		}
		title = string(h.Lines().Value(source))
		return ast.WalkStop, nil
	})
	return title
}

// point makes the links between documents lead to their pages. What is outside
// the folder is in the source code, which a store does not have.
func point(tree ast.Node, folder string) {
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker returns no error
		switch n := n.(type) {
		case *ast.Link:
			if entering {
				n.Destination = []byte(address(string(n.Destination), folder))
			}
		case *ast.Image:
			if entering {
				n.Destination = []byte(address(string(n.Destination), folder))
			}
		}
		return ast.WalkContinue, nil
	})
}

func address(to, folder string) string {
	if strings.Contains(to, "://") || strings.HasPrefix(to, "#") || strings.HasPrefix(to, "/") {
		return to
	}
	file, anchor, marked := strings.Cut(to, "#")
	file = path.Join(folder, file)
	if strings.HasPrefix(file, "..") {
		return "https://github.com/sashlock/sashlock/blob/main/" + path.Clean(path.Join("docs", file))
	}
	file = "/docs/" + strings.TrimSuffix(strings.TrimSuffix(file, ".md"), "README")
	if marked {
		file += "#" + anchor
	}
	return file
}

// guide is a document that is always at hand.
type guide struct{ Title, Path string }

// guides lists the documents for people, then those for reference.
func guides() []guide {
	all := []guide{}
	for _, folder := range []string{"guide", "runbooks", "reference"} {
		entries, err := fs.ReadDir(docs.Files, folder)
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := path.Join(folder, e.Name())
			source, err := fs.ReadFile(docs.Files, name)
			if err != nil || path.Ext(name) != ".md" || e.Name() == "README.md" {
				continue
			}
			all = append(all, guide{heading(source), "/docs/" + strings.TrimSuffix(name, ".md")})
		}
	}
	return all
}

// heading is the text of the first heading, read without parsing all of it.
func heading(source []byte) string {
	for line := range strings.Lines(string(source)) {
		if title, is := strings.CutPrefix(line, "# "); is {
			return strings.TrimSpace(title)
		}
	}
	return "…"
}
