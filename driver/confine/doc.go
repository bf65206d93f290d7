// Package confine proves on a real store that its sessions open what they are said to
// open and nothing else, before anybody is lent one.
//
// It writes below a prefix of its own, which nobody can guess and which is removed
// afterwards. What is there is put and looked at with one session for all of that
// prefix; what is tried is tried with two others, for a folder in it, one to write and one
// to read. All are had from the vender that is to be proven, so that nothing is needed but
// what the store lends with.
package confine
