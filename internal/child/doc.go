// Package child starts the processes that tests need, and makes sure of their
// end: each is waited for from its first moment, and on Linux is killed when the
// test process dies without having ended it.
package child
