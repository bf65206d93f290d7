// Package bearers is the use case of signed tokens (JWTs) of issuers that are trusted: who
// shows one is the user whom it names. When it is first shown, a token is made that stands for
// it, so that all that holds for tokens holds for it.
package bearers
