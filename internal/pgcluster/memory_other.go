//go:build !linux

package pgcluster

// memory names none: only Linux has one that is always there.
func memory() string { return "" }
