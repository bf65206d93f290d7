// Package policy holds the rules: what a scope allows and what is within it,
// which grant covers a prefix and who has access by grants, what of a lease is
// open now, and what a set of open prefixes allows.
//
// Everything here is decided from values: the package reads nothing, stores
// nothing and knows no clock. What it must know of the present it asks through
// Facts.
package policy
