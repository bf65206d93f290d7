// Package drivertest holds a driver's leases to the rows of a matrix, each against
// a real store. Package matrix has the rows; a driver's test runs those.
//
// Each Row borrows a lease of its own on fresh keys, tries one thing with it, and
// says how that must come out. Besides that, two things are looked at after every
// row: behind the lease, with the rights to everything, that the store changed in
// what the row says and in nothing else; and in every answer that was sent to the
// lease, that nothing stood in it that lies outside.
//
// What a store or a driver cannot do by its nature is data, Site.Lacks: such a
// row is tried all the same, must be refused, and is named in the test's output. What
// a store does wrongly is Site.Differs.
package drivertest
