// Package drivertest is the contract of a driver's leases as a test suite, the
// confinement matrix: what a lease opens, and that it opens nothing else. Every
// driver runs it against a real store:
//
//	func TestConfinement(t *testing.T) {
//		drivertest.Run(t, drivertest.Site{Store: admin, Bucket: "lab", Other: "lab-2", Lend: lend, …})
//	}
//
// Each row of the matrix borrows a lease of its own on fresh keys, tries one
// thing with it, and says how that must come out. Besides that, two things are
// looked at after every row: behind the lease, with the rights to everything,
// that the store changed in what the row says and in nothing else; and in every
// answer that was sent to the lease, that nothing stood in it that lies outside.
//
// What a store or a driver cannot do by its nature is data, Site.Lacks: such a
// row is tried all the same, must be refused, and is named in the test's output.
package drivertest
