// Package wiretest is what tests of Katapult's wire share, in process and over HTTP:
// the paths that clients ask, and answers as they read them.
package wiretest
