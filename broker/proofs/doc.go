// Package proofs is the use cases about whether stores confine the sessions that their
// token services mint: nothing is lent from a store that was not proven to, or was not
// accepted by name.
package proofs
