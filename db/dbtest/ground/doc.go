// Package ground is what every part of the suite stands on: a database under
// test, nouns to store in it, and checks.
package ground
