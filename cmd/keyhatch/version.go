package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/complete"
)

// version is set when the binary is built with make build.
var version = ""

type versionCommand struct{ ask.Format }

// Run prints what --version prints, too.
func (v versionCommand) Run(s ask.Streams) error {
	b := thisBuild()
	return v.Write(s.Out, b, func(to io.Writer) error {
		_, err := fmt.Fprintln(to, b)
		return err
	})
}

// build is what is known of how the program was built.
type build struct {
	Version    string     `json:"version"`
	Commit     string     `json:"commit,omitempty"`
	CommitTime *time.Time `json:"commit_time,omitempty"`
	Changed    bool       `json:"changed"` // the sources, after the commit
	Go         string     `json:"go"`
	System     string     `json:"system"`
}

// thisBuild is what the toolchain wrote into the program, and the version that make
// build gave it.
func thisBuild() build {
	info, _ := debug.ReadBuildInfo()
	return buildOf(version, info)
}

func buildOf(version string, info *debug.BuildInfo) build {
	b := build{Version: version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		case "vcs.time":
			if at, err := time.Parse(time.RFC3339, s.Value); err == nil {
				b.CommitTime = &at
			}
		}
	}
	return b
}

// String is a build in a line.
func (b build) String() string {
	commit := "commit not known"
	if b.Commit != "" {
		commit = "commit " + b.Commit
	}
	if b.CommitTime != nil {
		commit += " of " + b.CommitTime.UTC().Format(time.DateOnly)
	}
	if b.Changed {
		commit += ", changed since"
	}
	return fmt.Sprintf("keyhatch %s (%s; %s, %s)", b.Version, commit, b.Go, b.System)
}

// about is what the manual page says of it.
func (b build) about() complete.About {
	a := complete.About{Version: b.Version}
	if b.CommitTime != nil {
		a.Date = *b.CommitTime
	}
	return a
}
