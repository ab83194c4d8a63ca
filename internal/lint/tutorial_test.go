// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const tutorial = "docs/guide/writing-a-driver.md"

// blockOfFile is a block of the tutorial that stands for a file, whole or in part.
var blockOfFile = regexp.MustCompile("(?s)<!-- (driver/example/[a-z_.]+) -->\n```[a-z]+\n(.*?)\n```")

// wholeFiles are those that whoever follows the tutorial has to have in the end.
var wholeFiles = []string{
	"driver/example/manifest.yaml", "driver/example/example.go", "driver/example/wire.go", "driver/example/session.go", "driver/example/order.go",
}

// checkTutorial reports blocks of the tutorial that are not what the example
// says, and files of it that the tutorial leaves out.
func checkTutorial(t *tree) []string {
	var bad []string
	whole := map[string]bool{}
	for _, m := range blockOfFile.FindAllStringSubmatch(t.text(tutorial), -1) {
		file, text := m[1], strings.TrimSpace(m[2])
		have := strings.TrimSpace(t.text(file))
		whole[file] = whole[file] || text == have
		if !strings.Contains(have, text) {
			bad = append(bad, fmt.Sprintf("%s quotes %s otherwise than it is", tutorial, file))
		}
	}
	for _, file := range wholeFiles {
		if !whole[file] {
			bad = append(bad, fmt.Sprintf("%s does not have the whole of %s", tutorial, file))
		}
	}
	return bad
}

func TestTutorialIsTheExample(t *testing.T) { check(t, checkTutorial) }
