//go:build !linux

package child

import "syscall"

// noOrphans does nothing: only Linux can have a child end with its parent.
func noOrphans() *syscall.SysProcAttr { return nil }
