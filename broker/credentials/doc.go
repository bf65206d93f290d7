// Package credentials is the use cases about the named upstream authorities:
// what lets us act on other people's object stores. Their secrets come in once,
// are sealed for their row, and leave only towards the store itself.
package credentials
