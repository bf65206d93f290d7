// Package writes is the part of the suite about how writes go: alone, beside
// others, failing, cancelled, while the database closes; what readers see of them,
// and the change feed that they leave.
package writes
