// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/table"
)

// The limits of an inventory.
const (
	MaxInventory  = 1 << 20 // bytes
	maxStockRows  = 20_000
	MaxStockLines = 2_000   // once those that say the same are added up
	maxLocks      = 100_000 // in one line
	maxCell       = 200     // bytes of a cell that are kept
)

// Stock is a line of an inventory: locks of one sort in one store.
type Stock struct {
	Row    int      `json:"row"` // line of the file in which it was first
	Maker  string   `json:"maker,omitempty"`
	Model  string   `json:"model,omitempty"`
	Count  int      `json:"count"`
	Site   string   `json:"site,omitempty"`
	Places []string `json:"openings,omitempty"`
}

// The columns of an inventory.
const (
	makerColumn = iota
	modelColumn
	countColumn
	siteColumn
	placeColumn
	stockColumns
)

// stockHeadings are what people write above the columns, in plain letters.
func stockHeadings() [stockColumns][]string {
	return [stockColumns][]string{
		{"maker", "make", "brand", "manufacturer", "vendor", "made by", "fabricante", "marca", "hersteller", "marke", "fabricant", "marque", "produttore"},
		{"model", "model number", "model no", "model name", "type", "product", "product name", "lock", "lock model", "device", "part number", "part no", "article", "sku", "description", "modelo", "cerradura", "referencia", "modell", "typ", "artikel", "schloss", "produkt", "modele", "serrure", "modello", "serratura"},
		{"count", "how many", "quantity", "qty", "number", "units", "pieces", "pcs", "total", "cantidad", "unidades", "uds", "cuantas", "anzahl", "menge", "stuck", "stuckzahl", "quantite", "nombre", "combien", "quantita", "quantidade"},
		{"site", "store", "shop", "branch", "building", "location", "tienda", "sucursal", "edificio", "filiale", "markt", "standort", "gebaude", "magasin", "batiment", "negozio", "loja"},
		{"opening", "door", "place", "room", "position", "door name", "case", "apertura", "puerta", "lugar", "tur", "offnung", "ort", "porte", "ouverture", "porta"},
	}
}

// stockReader understands an inventory.
type stockReader struct {
	table.Findings
	all   []Stock
	heads []string
	at    [stockColumns]int // where each column is, from 0; -1: nowhere
	seen  map[[3]string]int
}

// ReadInventory understands a list of locks: a table with headings, or lines as
// people type them ("4 x Schlage BE469"). Lines that say the same are added up.
// With anything wrong in it there are findings and no lines.
func ReadInventory(content []byte) ([]Stock, table.Findings) {
	r := &stockReader{seen: map[[3]string]int{}}
	switch {
	case len(content) > MaxInventory:
		r.Problem(0, "", lang.Say("the file has more than %d MB", MaxInventory>>20), lang.Say("part it into several files"))
	case !table.Few(content, maxStockRows):
		r.Problem(0, "", lang.Say("the file has more than %d rows", maxStockRows), lang.Say("part it into several files"))
	default:
		table.Read(content, &r.Findings, r.row)
		if len(r.all) == 0 && r.Wrong == 0 {
			r.Problem(0, "", lang.Say("no lock is in the list"), lang.Say("write a line for each sort of lock: maker, model, how many"))
		}
	}
	if r.Wrong > 0 {
		return nil, r.Findings
	}
	return r.all, r.Findings
}

func (r *stockReader) row(rec table.Record) bool {
	if r.heads == nil {
		if r.headings(rec) {
			return r.Wrong == 0
		}
	}
	s := Stock{Row: rec.Line, Count: 1}
	if r.at[modelColumn] < 0 && r.at[makerColumn] < 0 {
		s.typed(rec.Cells)
	} else {
		cell := func(column int) string {
			if i := r.at[column]; i >= 0 && i < len(rec.Cells) {
				return clipped(rec.Cells[i])
			}
			return ""
		}
		s.Maker, s.Model, s.Site = cell(makerColumn), cell(modelColumn), cell(siteColumn)
		if place := cell(placeColumn); place != "" {
			s.Places = []string{place}
		}
		s.Count = r.count(rec, cell(countColumn))
	}
	if s.Maker == "" && s.Model == "" {
		r.Problem(rec.Line, "", lang.Say("it names no lock"), lang.Say("write the maker and the model"))
		return true
	}
	return r.add(s)
}

// headings understands the first row; false: it is a line like the others.
func (r *stockReader) headings(rec table.Record) bool {
	r.heads = rec.Cells
	for c := range r.at {
		r.at[c] = -1
	}
	found := 0
	for i, heading := range rec.Cells {
		plain := table.PlainWords(heading, ' ')
		for c, names := range stockHeadings() {
			if !slices.Contains(names, plain) {
				continue
			}
			if r.at[c] < 0 {
				r.at[c] = i
				found++
			}
			break
		}
	}
	if found == 0 {
		return false
	}
	for i, heading := range rec.Cells {
		if heading != "" && !slices.Contains(r.at[:], i) {
			r.Note(rec.Line, heading, lang.Say("this column is not known and is left out"), lang.Say("it is kept nowhere"))
		}
	}
	if r.at[makerColumn] < 0 && r.at[modelColumn] < 0 {
		r.Problem(rec.Line, "", lang.Say("no column names the locks"), lang.Say(`call one "model", and better another "maker"`))
	}
	return true
}

func (r *stockReader) count(rec table.Record, text string) int {
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(text, ".0"), ",0"))
	if err != nil || n < 1 || n > maxLocks {
		r.Problem(rec.Line, r.heads[r.at[countColumn]], lang.Say("%q is not how many there are", sashlock.Clip(text)), lang.Say("write a whole number from 1 to %d", maxLocks))
		return 1
	}
	return n
}

var (
	timesBefore = regexp.MustCompile(`^(\d{1,5}) ?[x×*] ?(\D.*|.* .*)$`)
	timesAfter  = regexp.MustCompile(`^(.*?)[ ,:]+(?:[x×*] ?(\d{1,5})|\((\d{1,5})\)|(\d{1,5}) ?[x×*])$`)
)

// typed understands a line without headings.
func (s *Stock) typed(cells []string) {
	var words []string
	counted := false
	for _, cell := range cells {
		if n, err := strconv.Atoi(cell); err == nil && n >= 1 && n <= maxLocks && !counted && len(words) > 0 {
			s.Count, counted = n, true
			continue
		}
		words = append(words, cell)
	}
	text := strings.TrimSpace(strings.TrimLeft(strings.Join(words, " "), "-•* "))
	if m := timesBefore.FindStringSubmatch(text); m != nil && !counted {
		s.Count, _ = strconv.Atoi(m[1])
		text = m[2]
	} else if m := timesAfter.FindStringSubmatch(text); m != nil && !counted {
		s.Count, _ = strconv.Atoi(m[2] + m[3] + m[4])
		text = m[1]
	}
	s.Model, s.Count = clipped(text), max(s.Count, 1)
}

// add adds a line to those that say the same.
func (r *stockReader) add(s Stock) bool {
	for i, cell := range []string{s.Maker, s.Model} {
		if table.Formula(cell) {
			r.Note(s.Row, []string{"maker", "model"}[i], lang.Say("it begins like a formula (%s)", sashlock.Clip(cell)), lang.Say("it is taken as text and calculated nowhere"))
		}
	}
	key := [3]string{table.PlainWords(s.Maker, ' '), table.PlainWords(s.Model, ' '), table.PlainWords(s.Site, ' ')}
	if i, is := r.seen[key]; is {
		if r.all[i].Count+s.Count > maxLocks {
			r.Problem(s.Row, "", lang.Say("together with row %d these are more than %d locks", r.all[i].Row, maxLocks), lang.Say("part it into several files"))
			return false
		}
		r.all[i].Count += s.Count
		r.all[i].Places = append(r.all[i].Places, s.Places...)
		return true
	}
	if len(r.all) == MaxStockLines {
		r.Problem(s.Row, "", lang.Say("there are more than %d sorts of locks", MaxStockLines), lang.Say("part it into several files"))
		return false
	}
	r.seen[key] = len(r.all)
	r.all = append(r.all, s)
	return true
}

// clipped is a cell as far as it is kept.
func clipped(cell string) string {
	if len(cell) > maxCell {
		cell = cell[:maxCell]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\u202e' || c == '\ufffd' {
			return -1
		}
		return c
	}, strings.ToValidUTF8(cell, ""))
}
