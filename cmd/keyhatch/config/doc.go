// Package config is keyhatch.yaml: what can be said in it, what is taken for granted where
// nothing is said, and what cannot work; and it makes what the parts of a server are
// configured with.
package config
