// Package past is the use cases about what was: it goes through the audit record
// again, up to a time, and so knows who and what decided access then.
//
// It relies on what the use cases of people, places and access keys write into their
// events. One that changes users, memberships, buckets, locations, grants or access keys
// in a new way needs its line in the table of changes, or the past is told wrong.
package past
