// Package arguments reads what a call of Katapult's Core API is given: from the path, the
// query, a form and JSON, merged, by a table of what its route takes. A call is bounded in
// its length, its number of parameters and its depth (S9).
//
// Source: Katapult's published schema, and its framework (Apia).
package arguments
