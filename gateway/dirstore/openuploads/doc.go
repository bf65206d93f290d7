// Package openuploads knows which uploads in parts are under way, in memory and by
// key, so that a list of some costs nothing for the others.
package openuploads
