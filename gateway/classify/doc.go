// Package classify says which S3 operation a request is, and what it is about. It
// holds requests to a literal table: whatever has another method, sub-resource,
// parameter or header than its line there is refused, and so is a name or a value
// that a store could read in another way.
package classify
