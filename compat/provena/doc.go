// Package provena is the door for clients of Provena's data store: its two endpoints that
// hand out credentials for a dataset, in the three forms that their request has had, and
// what clients ask beside them: the dataset, a URL of one of its files, who they are.
//
// A dataset is a location; its handle is the location's name or id. An older request says
// where it lies instead, and is for what lies there of the location that holds it.
//
// A call goes the way of that API: its route, who calls, whether the roles of a signed
// token allow it, what the body says, and then what it is for: the dataset, its lock, the
// caller's grants, its release, and the lease. What each of these steps is refused with is
// a table.
//
// Source: Provena's published schema of its API and the source of its server and of its
// clients (data-api.sh, mdsisclienttools, provenaclient).
package provena
