// Package filelock takes the kernel's lock on an open file. The lock ends with the
// process, however that ends, so that nobody has to clean up.
package filelock

import "errors"

// ErrLocked says that another holder has the lock.
var ErrLocked = errors.New("locked")
