// Package doortest is what the tests of doors for foreign formats share: a core behind a
// door, requests of clients that are replayed from transcripts, and schemas to which
// answers are held.
package doortest
