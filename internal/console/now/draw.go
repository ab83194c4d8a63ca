// SPDX-License-Identifier: Apache-2.0

package now

import "fmt"

// ratio is the height of the plan to its width.
const ratio = 0.62

// planY turns thousandths of the plan's height into the units of the drawing.
func planY(y int) string { return fmt.Sprintf("%.1f", float64(y)*ratio) }

func areaName(name string) string {
	if name == "" {
		return "Without an area"
	}
	return name
}
