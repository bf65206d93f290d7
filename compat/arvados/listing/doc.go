// Package listing answers the lists of the Arvados wire: a resource is a table of
// columns, from which filters, order, select and the answers are made, in memory. It
// reads JSON strictly and writes it in the order of the wire.
//
// Source: Arvados' API documentation, "Common resource methods".
package listing
