// Package textfile changes a user's file whole or not at all, one process after the
// other.
package textfile
