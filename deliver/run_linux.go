package deliver

import "syscall"

// endsWithUs has the program ended when this process is killed and cannot do it.
func endsWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
