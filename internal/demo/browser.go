// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"os"
	"os/exec"
	"runtime"
)

// browse shows a page in the browser of the desktop, if there is one. Without
// one the address that was printed has to do.
func browse(url string) {
	name := "xdg-open"
	switch {
	case runtime.GOOS == "darwin":
		name = "open"
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return
	}
	cmd := exec.Command(path, url)
	if cmd.Start() == nil {
		go cmd.Wait() //nolint:errcheck // whether a window opened is for the desktop to say
	}
}
