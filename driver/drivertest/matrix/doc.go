// Package matrix is the contract of a driver's leases as a test suite, the
// confinement matrix: what a lease opens, and that it opens nothing else. Every
// driver runs it against a real store:
//
//	func TestConfinement(t *testing.T) {
//		matrix.Run(t, drivertest.Site{Store: admin, Bucket: "lab", Other: "lab-2", Lend: lend, …})
//	}
//
// It has a file of rows for each thing that one can do with a lease, and beside
// the rows how it is done. How rows are tried and judged is package drivertest's.
package matrix
