package matrix

import (
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch/driver/drivertest"
)

// matrix is every row, each with a name of its own.
var matrix = slices.Concat(
	readRows,
	writeRows,
	listRows,
	copyRows,
	uploadRows,
	bucketRows,
	prefixRows,
	signatureRows,
	presignRows,
	lifeRows,
)

// Run holds leases of the site to the whole matrix.
func Run(t *testing.T, s drivertest.Site) {
	t.Helper()
	drivertest.Run(t, s, matrix)
}
