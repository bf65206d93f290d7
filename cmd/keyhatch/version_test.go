package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestVersion tells all that the toolchain knows of a build, and says what is not
// known.
func TestVersion(t *testing.T) {
	system := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	known := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "4e6b6d4afecd341db2c400fd32de873491961848"},
		{Key: "vcs.time", Value: "2026-11-22T23:45:56Z"},
		{Key: "vcs.modified", Value: "true"},
	}}
	for _, c := range []struct {
		version string
		info    *debug.BuildInfo
		want    string
	}{
		{"", nil, "keyhatch (devel) (commit not known; "},
		{"", known, "keyhatch v1.2.3 (commit 4e6b6d4afecd341db2c400fd32de873491961848 of 2026-11-22, changed since; "},
		{"4e6b6d4", nil, "keyhatch 4e6b6d4 (commit not known; "},
	} {
		if got := buildOf(c.version, c.info).String(); got != c.want+system {
			t.Errorf("it is %s, want %s", got, c.want+system)
		}
	}
	if got := buildOf("", known).about().Date.String(); got != "2026-11-22 23:45:56 +0000 UTC" {
		t.Errorf("the manual page is of %s", got)
	}
}
