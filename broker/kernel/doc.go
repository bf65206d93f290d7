// Package kernel is the ground that every use case stands on: the transaction
// with its one event, the caller's standing, and the questions of who may.
package kernel
