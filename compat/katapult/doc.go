// Package katapult is the door for clients of Katapult: the part of its Core API,
// version 1, that hands out keys to object storage, with the accounts and buckets that
// these are for, and what clients ask beside it: API tokens, organizations, oneself.
//
// A call goes the way of that API: its route, who calls, whether a scope allows it, its
// arguments, and then what it is for. So an unknown route is told to anybody, and a
// scope that is missing before an argument that is wrong.
//
// An endpoint is a line in the table of routes, with what it takes as data, and a
// function. Package arguments reads what a call is given. Words of a path that name an
// argument stand for any segment, as the API's documentation has them and clients send
// them, literally or with an id instead.
//
// Source: Katapult's published schema of its Core API, recorded traffic of it, and the
// source of its framework (Apia) and of its clients.
package katapult
