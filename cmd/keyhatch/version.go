package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// version is set when the binary is built with make build.
var version = ""

type versionCommand struct{}

func (versionCommand) Run(s ask.Streams) error {
	_, err := fmt.Fprintf(s.Out, "keyhatch %s (%s, %s/%s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionText is the version, or what the toolchain knows of a build without
// one.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
