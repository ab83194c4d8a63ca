// SPDX-License-Identifier: Apache-2.0

package app

import (
	"github.com/sashlock/sashlock/internal/detect"
	"github.com/sashlock/sashlock/internal/detect/afterhours"
	"github.com/sashlock/sashlock/internal/detect/downgraded"
	"github.com/sashlock/sashlock/internal/detect/duress"
	"github.com/sashlock/sashlock/internal/detect/forced"
	"github.com/sashlock/sashlock/internal/detect/heldopen"
	"github.com/sashlock/sashlock/internal/detect/jammed"
	"github.com/sashlock/sashlock/internal/detect/lateopening"
	"github.com/sashlock/sashlock/internal/detect/lowbattery"
	"github.com/sashlock/sashlock/internal/detect/revocation"
	"github.com/sashlock/sashlock/internal/detect/unattended"
)

// Rules lists every rule that looks at openings.
func Rules() []detect.Rule {
	return []detect.Rule{
		duress.Rule{},
		forced.Rule{},
		downgraded.Rule{},
		jammed.Rule{},
		unattended.Rule{},
		heldopen.Rule{},
		afterhours.Rule{},
		lateopening.Rule{},
		revocation.Rule{},
		lowbattery.Rule{},
	}
}
