// Package disk keeps files in a folder that this process has taken, so that a crash
// leaves each old or new, whole, and nothing that a caller names leads out of the
// folder or by a link to another place in it. It knows no keys: what the files are is
// package tree's.
package disk
