// Package coretest builds a whole core for tests: a database file, the data
// keys, the memory image and a broker that lends through our own S3 endpoint's
// driver, all real. The actors are few: an installation admin, users, tokens.
// What the core has a use case for is done by that use case, on c.Broker.
//
//	c := coretest.New(t)
//	ws := c.Workspace(t, "lab")
//	l := c.Location(t, ws, "s3://lab-data/alpha/")
//	ann := c.User(t, "ann")
//	c.Grant(t, l, ann, keyhatch.Read)
//	lent, err := c.Broker.Lending.Lease(t.Context(), ann, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
//
// A test that plays an intruder or a failing disk uses SQL, Dump and
// BreakCommits.
package coretest
