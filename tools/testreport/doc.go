// Testreport turns the event stream of "go test -json" into what a person wants
// to read: the output of what failed, as soon as it failed; one line for each
// package, with how long it took; and, last, which tests took longest, and how many
// ran, failed and were left out, and why.
//
//	go test -json ./... | testreport [-no-skips]
//
// It exists because a green exit of go test says nothing about tests that were
// skipped: on a machine without the right tools most of a suite can be left out
// unseen. Here every skipped test is named under its reason, and with -no-skips,
// which CI uses, skipping is failing.
//
// What is counted is the leaf: a test whose work is all in subtests counts as
// its subtests do, not once more for itself. What never reaches a test counts
// too: a package that does not build, one that crashes outside its tests, and a
// test that was still running when its process died are failures, each counted
// as one.
//
// The last line is always "N passed, N failed, N skipped". The exit status is 1
// when anything failed, when no test ran, or when -no-skips is given and a test
// was skipped; otherwise it is 0.
package main
