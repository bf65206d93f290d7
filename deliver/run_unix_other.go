//go:build unix && !linux

package deliver

import "syscall"

// endsWithUs does nothing: only Linux can end a program with the process that
// started it.
func endsWithUs() *syscall.SysProcAttr { return nil }
