// Package keys is the use cases of the data keys: which there are, and what needs
// them still; giving keysets new keys; and what follows from that by itself, while
// everything is being served.
//
// A new key goes through states that the database holds, so that any process can go
// on where another was killed:
//
//	coming    it is stored. Every process reads it, before anything is sealed with it.
//	primary   after Settle. What is new is sealed with it, the one before is old.
//	old       it opens what it has sealed. Secrets in rows are sealed anew with the
//	          primary key, a few rows in a transaction each; leases and tokens end.
//	gone      when nothing needs it, and Grace is over: no request still runs that
//	          began before it was old. It is dropped from the keyset.
//
// What is sealed with what says the secret itself, in its first bytes. That is all
// the progress there is to know, and it cannot be wrong.
package keys
