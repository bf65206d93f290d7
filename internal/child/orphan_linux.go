package child

import "syscall"

// noOrphans has the process killed when the test process dies without stopping
// it, as it does when go test runs out of time.
func noOrphans() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
