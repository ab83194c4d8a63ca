// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sashlock/sashlock/driver"
)

func TestRecognise(t *testing.T) {
	r := all(t).Recogniser()
	for _, c := range []struct {
		maker, model string
		want         string // brand and model; a question mark behind a guess
	}{
		{"Schlage", "BE469", "Schlage BE469"},
		{"schlage", "be-469", "Schlage BE469"},
		{"Allegion (Schlage)", "BE 469", "Schlage BE469"},
		{"Schlage", "BE469ZP", "Schlage BE469?"},
		{"Schlage", "BE469NX CAM 619", "Schlage BE469?"},
		{"Schalge", "BE469", "Schlage BE469?"},
		{"", "Schlage BE469ZP", "Schlage BE469?"},
		{"", "BE469", "Schlage BE469?"},
		{"", "Kwikset 916 SmartCode", "Kwikset 916?"},
		{"Kwikset", "916", "Kwikset 916"},
		{"Kwikset", "914C", "Kwikset 914C"},
		{"Kwikset", "9160", "Kwikset "},
		{"Kwikset", "Halo Touch", "Kwikset Halo and others with Wi-Fi?"},
		{"Yale", "YRD256", "Yale YRD226 / YRC226 / YRC246 / YRD256 / YRC256 / YRD446"},
		{"Yale", "YRD-652", "Yale YRD652-ZW2?"},
		{"Schlage", "Encode Plus", "Schlage Encode, Encode Plus"},
		{"Nuki", "Smart Lock 3.0 Pro", "Nuki Smart Lock 3.0 Pro"},
		{"August", "Smart Lock Pro", "August any with Wi-Fi or Connect bridge?"},
		{"Latch", "C2", "Latch all models"},
		{"Schlage", "BE496", "Schlage "},
		{"UHPPOTE", "UT0311-L04", "UHPPOTE UT0311-L0x"},
		{"Acme", "BE469", " "},
		{"", "front door", " "},
		{"", "", " "},
	} {
		got := r.Recognise(c.maker, c.model)
		said := got.Brand + " "
		if got.Model != nil {
			said += got.Model.Name
			if got.Guess {
				said += "?"
			}
		}
		if said != c.want {
			t.Errorf("%q %q: %q, others %q; want %q", c.maker, c.model, said, got.Others, c.want)
		}
	}
	if got := r.Recognise("Schlage", "BE496"); !slices.Contains(got.Others, "BE469") {
		t.Errorf("a number with a slip names no other: %+v", got)
	}
	if got := r.Recognise("Yale", "YRD652"); !slices.Contains(got.Others, "YRD652-ZW3") {
		t.Errorf("the others of a guess are not named: %+v", got)
	}
}

func TestReadInventory(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []Stock
	}{
		"with headings, doubled": {
			"Manufacturer;Model No.;Qty;Store;Door;Price\nSchlage;BE469;4;Lisbon;Back;1\nSCHLAGE;be-469;2;Lisbon;Cage;1\n",
			[]Stock{{Row: 2, Maker: "Schlage", Model: "BE469", Count: 4, Site: "Lisbon", Places: []string{"Back"}}, {Row: 3, Maker: "SCHLAGE", Model: "be-469", Count: 2, Site: "Lisbon", Places: []string{"Cage"}}},
		},
		"the same again": {
			"maker,model,count\nYale,YRD256,3\nyale,yrd256,\n",
			[]Stock{{Row: 2, Maker: "Yale", Model: "YRD256", Count: 4}},
		},
		"German, UTF-16": {
			utf16("Hersteller\tModell\tAnzahl\nDanalock\tV3-BTZE\t7\n"),
			[]Stock{{Row: 2, Maker: "Danalock", Model: "V3-BTZE", Count: 7}},
		},
		"typed": {
			"4 x Schlage BE469ZP\nKwikset 916 SmartCode (12)\nYale YRD256, 3\nLatch C2 x2\nNuki Smart Lock 3.0 Pro\n916 Kwikset\n",
			[]Stock{
				{Row: 1, Model: "Schlage BE469ZP", Count: 4}, {Row: 2, Model: "Kwikset 916 SmartCode", Count: 12}, {Row: 3, Model: "Yale YRD256", Count: 3},
				{Row: 4, Model: "Latch C2", Count: 2}, {Row: 5, Model: "Nuki Smart Lock 3.0 Pro", Count: 1}, {Row: 6, Model: "916 Kwikset", Count: 1},
			},
		},
	} {
		got, findings := ReadInventory([]byte(c.text))
		if diff := cmp.Diff(c.want, got); diff != "" || findings.Wrong > 0 {
			t.Errorf("%s: %v\n%s", name, findings.Problems, diff)
		}
	}
}

// utf16 writes a text as some spreadsheets do.
func utf16(text string) string {
	b := []byte{0xff, 0xfe}
	for _, c := range text {
		b = append(b, byte(c), byte(c>>8))
	}
	return string(b)
}

func TestAnInventoryThatIsWrongSaysWhere(t *testing.T) {
	many := "model\n" + strings.Repeat("x\n", 1_000_000)
	sorts := "model\n"
	for i := range MaxStockLines + 1 {
		sorts += fmt.Sprintf("lock a%d\n", i)
	}
	for text, want := range map[string]string{
		"":                           "the file: no lock is in the list",
		"model,count\nBE469,many\n":  `row 2, column count: "many" is not how many there are`,
		"model,count\nBE469,-1\n":    "row 2, column count",
		"model,count\nBE469,1e9\n":   "row 2, column count",
		"maker,model,count\n,,3\n":   "row 2: it names no lock",
		"quantity,store\n3,Lisbon\n": "row 1: no column names the locks",
		"PK\x03\x04\x00\x00":         "this is no text",
		"model\n\"BE469\n":           "quotation mark",
		many:                         "more than 1 MB",
		"model\n" + strings.Repeat("\n", 100_000): "more than 20000 rows",
		sorts: "more than 2000 sorts",
	} {
		got, f := ReadInventory([]byte(text))
		if got != nil || f.Wrong == 0 || !strings.Contains(f.Problems[0].String(), want) {
			t.Errorf("%.40q: %v, %v; want %q", text, got, f.Problems, want)
		}
	}
}

const stockOfAStore = `maker,model,count,site
Schlage,BE469ZP,4,Lisbon
Kwikset,Halo,2,Lisbon
Latch,C2,3,Lisbon
Aqara,ZNMS12LM,1,Porto
Yale,YRD256,5,Porto
Acme,Nine,2,Porto
`

func assessed(t *testing.T, text string, f Figures) Assessment {
	t.Helper()
	stock, wrong := ReadInventory([]byte(text))
	if wrong.Wrong > 0 {
		t.Fatal(wrong.Problems)
	}
	return all(t).Assess(stock, f)
}

func TestAssess(t *testing.T) {
	a := assessed(t, stockOfAStore, nil)
	var said []string
	for _, l := range a.Lines {
		said = append(said, fmt.Sprintf("%s %s %s %s %v", l.Maker, l.Verdict, l.Via, l.Tested, l.Guess))
		if len(l.Steps) == 0 || l.Verdict != Unknown && l.Verdict != Replace && len(l.Works)+len(l.Lacks) != len(Abilities()) {
			t.Errorf("%+v", l)
		}
	}
	want := []string{
		"Schlage native zwavejs real stack true", "Kwikset adapter seam maker's fake false", "Latch adapter relay not yet false",
		"Aqara replace   false", "Yale native zwavejs real stack false", "Acme unknown   false",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[Verdict]int{Native: 9, Adapter: 5, Replace: 1, Unknown: 2}, a.Locks); diff != "" {
		t.Error(diff)
	}
	if len(a.Gateways) != 2 || a.Gateways[0].Site != "Lisbon" || a.Gateways[1].Locks != 5 {
		t.Errorf("gateways %+v", a.Gateways)
	}
	if a.Cost != 0 || len(a.Missing) == 0 {
		t.Errorf("without figures it costs %v, missing %v", a.Cost, a.Missing)
	}
}

// What nobody gave a figure for costs nothing that could be said, and a figure
// of nothing is a figure.
func TestCost(t *testing.T) {
	f := Figures{}
	for name, text := range map[Figure]string{PerGateway: "150", PerAdapter: "80,50", PerLock: "220", PerHour: "60", WorkNative: "30", WorkAdapter: "90", WorkReplace: "0"} {
		if err := f.Read(name, text); err != nil {
			t.Fatal(err)
		}
	}
	a := assessed(t, stockOfAStore, f)
	// 9 native at 30, 5 adapters at 80.50 and 90, one lock at 220, two gateways at 150.
	if a.Cost.String() != "1642.50" || len(a.Missing) > 0 {
		t.Errorf("%v, missing %v", a.Cost, a.Missing)
	}
	if got := a.Lines[0].Cost; got == nil || got.String() != "120.00" {
		t.Errorf("a line costs %v", got)
	}
	if a.Lines[5].Cost != nil {
		t.Errorf("an unknown lock costs %v", a.Lines[5].Cost)
	}
	delete(f, PerLock)
	a = assessed(t, stockOfAStore, f)
	if diff := cmp.Diff([]Figure{PerLock}, a.Missing); diff != "" || a.Lines[3].Cost != nil || a.Cost.String() != "1422.50" {
		t.Errorf("%v %v\n%s", a.Cost, a.Lines[3].Cost, diff)
	}
	for _, text := range []string{"-1", "1.234,50", "twelve", "1e3", "1.005", "99999999999999999999", "1000001"} {
		if err := f.Read(PerHour, text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// A way without a driver is no way that could be counted on.
func TestOnlyWaysThatStandAreCounted(t *testing.T) {
	c := all(t)
	c.Ways = slices.Clone(c.Ways)
	for i := range c.Ways {
		c.Ways[i].Driver = ""
	}
	for _, b := range c.Brands {
		a := c.Assess([]Stock{{Maker: b.Name, Model: b.Models[0].Name, Count: 1}}, nil)
		if a.Lines[0].Verdict != Replace {
			t.Errorf("%s: %+v", b.Name, a.Lines[0])
		}
	}
}

// Every model of the catalogue is recognised by its own name.
func TestEveryModelKnowsItsName(t *testing.T) {
	c := all(t)
	r := c.Recogniser()
	for _, b := range c.Brands {
		for _, m := range b.Models {
			if got := r.Recognise(b.Name, m.Name); got.Model == nil || got.Guess || got.Brand != b.Name {
				t.Errorf("%s %s: %+v", b.Name, m.Name, got)
			}
		}
	}
}

func TestTheTableIsTame(t *testing.T) {
	a := assessed(t, "maker,model\n=1+1,@x\n", nil)
	for _, row := range a.Table()[1:] {
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "@") {
				t.Errorf("a spreadsheet would calculate %q", cell)
			}
		}
	}
	stock, _ := ReadInventory([]byte(stockOfAStore))
	again, wrong := ReadInventory([]byte(Text(stock)))
	if diff := cmp.Diff(stock, again); diff != "" || wrong.Wrong > 0 {
		t.Error(diff)
	}
	if a.Lines[0].Tested == driver.TestedRealStack {
		t.Error("nothing was tested there")
	}
}

func FuzzInventory(f *testing.F) {
	f.Add([]byte(stockOfAStore))
	f.Add([]byte("4 x Schlage BE469ZP\nKwikset 916 (12)\n"))
	f.Add([]byte("sep=;\nHersteller;Modell\n;\xff\xfe;\n"))
	c, err := All()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		stock, wrong := ReadInventory(content)
		if (wrong.Wrong > 0) != (stock == nil) {
			t.Fatalf("%d problems and %d lines", wrong.Wrong, len(stock))
		}
		n := 0
		for _, l := range c.Assess(stock[:min(len(stock), 50)], Figures{PerLock: 1}).Lines {
			n += l.Count
			if l.Count < 1 || len(l.Steps) == 0 || bytes.ContainsRune([]byte(l.Model), 0) {
				t.Fatalf("%+v", l)
			}
		}
		if len(stock) > 0 && n == 0 {
			t.Fatal("locks were lost")
		}
	})
}
