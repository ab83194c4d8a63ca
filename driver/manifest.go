// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/yamlfile"
)

// Manifest says what a driver reaches and how far that was tried. Each driver
// keeps it as manifest.yaml in its folder; the tables in the documents are
// made from it.
type Manifest struct {
	// Name is the driver's folder: "zwavejs".
	Name string `yaml:"name"`
	// Title is what people call the ecosystem: "Z-Wave".
	Title string `yaml:"title"`
	// Reaches says in a sentence which devices, and through what.
	Reaches string `yaml:"reaches"`
	// Tested is how far the driver as a whole was tried.
	Tested Tested `yaml:"tested"`
	// Models are the devices that were tried, or that the driver knows.
	Models []Model `yaml:"models"`
	// Config are the keys of its configuration, in the order in which people
	// are asked for them.
	Config []Setting `yaml:"config"`
}

// Model is one sort of device in a [Manifest].
type Model struct {
	Maker        string                `yaml:"maker"`
	Model        string                `yaml:"model"`
	Capabilities []sashlock.Capability `yaml:"capabilities"`
	Tested       Tested                `yaml:"tested"`
	// Notes says what a buyer should know, in a sentence; may be empty.
	Notes string `yaml:"notes"`
}

// Tested is how far something was tried. Nothing stronger is ever claimed.
type Tested string

// How far something was tried.
const (
	TestedRealStack  Tested = "real stack"   // the ecosystem's own software, with a real or emulated radio
	TestedMakersFake Tested = "maker's fake" // what the ecosystem's maker publishes for tests
	TestedSimulated  Tested = "simulated"    // our own simulation
	TestedTranscript Tested = "transcript"   // recorded messages, played back
	NotTested        Tested = "not yet"
)

// Described is a driver that carries its manifest.
type Described interface {
	Manifest() (Manifest, error)
}

// ReadManifest reads manifest.yaml. Unknown and repeated keys, unknown
// capabilities and missing fields are refused with a sashlock.Error of kind
// invalid whose subject is the field.
func ReadManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := yamlfile.Decode(data, &m); err != nil {
		return Manifest{}, misread(err)
	}
	if m.Name == "" || strings.Trim(m.Name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return Manifest{}, badManifest("name", "give the name of the driver's folder")
	}
	if m.Title == "" {
		return Manifest{}, badManifest("title", "give the ecosystem's name")
	}
	if m.Reaches == "" {
		return Manifest{}, badManifest("reaches", "say which devices it reaches, and through what")
	}
	if !m.Tested.known() {
		return Manifest{}, badManifest("tested", "say real stack, maker's fake, simulated, transcript or not yet")
	}
	for i, model := range m.Models {
		if field, hint := model.wrong(); field != "" {
			return Manifest{}, badManifest(fmt.Sprintf("models[%d].%s", i, field), hint)
		}
	}
	if err := checkSettings(m.Config, "config", false); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// wrong names the first field of a model that is not right.
func (m Model) wrong() (field, hint string) {
	switch {
	case m.Maker == "":
		return "maker", "say who makes it"
	case m.Model == "":
		return "model", "give the model's name"
	case !m.Tested.known():
		return "tested", "say real stack, maker's fake, simulated, transcript or not yet"
	case len(m.Capabilities) == 0:
		return "capabilities", "say what it can do"
	}
	for _, c := range m.Capabilities {
		if !knownCapability(c) {
			return "capabilities", fmt.Sprintf("there is no capability %q", c)
		}
	}
	return "", ""
}

func (t Tested) known() bool {
	return t == TestedRealStack || t == TestedMakersFake || t == TestedSimulated || t == TestedTranscript || t == NotTested
}

func knownCapability(c sashlock.Capability) bool {
	switch c {
	case sashlock.CanRelease, sashlock.CanUnlock, sashlock.CanLock,
		sashlock.TellsLock, sashlock.TellsJam, sashlock.TellsPosition, sashlock.TellsWho,
		sashlock.TellsTamper, sashlock.TellsPresence, sashlock.TellsBattery,
		sashlock.HasCodes, sashlock.Supervised, sashlock.SecureLink:
		return true
	}
	return false
}

// misread is the refusal of a file that could not be read, about the field that
// could not.
func misread(err error) error {
	at, is := errors.AsType[*yamlfile.Error](err)
	if !is {
		return badManifest("", err.Error())
	}
	where := *at
	where.Field = "" // the subject says it
	return badManifest(at.Field, where.Error())
}

func badManifest(field, hint string) error {
	return &sashlock.Error{Kind: sashlock.Invalid, Op: "reading driver manifest", Subject: field, Hint: hint}
}
