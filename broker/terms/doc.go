// Package terms does what there is to do with the terms of use of locations: their owners
// set them, people read and accept them. That nothing is lent before is for package lending.
package terms
