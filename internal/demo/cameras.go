// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"

	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/plans"
	"github.com/sashlock/sashlock/internal/store"
)

// cameras are those of the flagship. They are places on its plan: nothing is
// seen through them.
var cameras = []plans.Place{
	{ID: "cam-1", Kind: plans.Camera, Name: "Camera 1, main entrance", X: 560, Y: 940, Direction: 40},
	{ID: "cam-2", Kind: plans.Camera, Name: "Camera 2, pick-up", X: 370, Y: 705, Direction: 120},
	{ID: "cam-3", Kind: plans.Camera, Name: "Camera 3, phones", X: 40, Y: 510, Direction: 90},
	{ID: "cam-4", Kind: plans.Camera, Name: "Camera 4, watches", X: 970, Y: 510, Direction: 270},
	{ID: "cam-5", Kind: plans.Camera, Name: "Camera 5, loading dock", X: 60, Y: 60, Direction: 150},
	{ID: "cam-6", Kind: plans.Camera, Name: "Camera 6, stock room", X: 640, Y: 60, Direction: 230},
}

// watch puts the cameras on the plan of the flagship, unless somebody has drawn
// that plan already.
func (s *shop) watch(ctx context.Context) error {
	sites := s.site("lisbon")
	if len(sites) == 0 {
		return nil
	}
	var drawn plans.Plan
	err := s.house.Store.View(ctx, func(q store.Query) (err error) { drawn, err = plans.Find(q, sites[0]); return err })
	if err != nil || drawn.Rev > 0 {
		return err
	}
	drawn.Places = cameras
	_, err = s.house.Hall.Change(ctx, flow.Change{Operator: s.operator, Make: func(tx *store.Tx) (flow.Edit, error) {
		return plans.Save(tx, drawn, 0)
	}})
	return err
}
