// Package tokens has the verbs of API tokens: what a server is asked of them, and what
// can be told of a token's text without one.
package tokens
