// Package record is the part of the suite about what is on record: events, their
// chain, and the object requests that they vouch for.
package record
