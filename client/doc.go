// Package client calls the native API of a Keyhatch server from Go.
//
//	c := client.New("https://keyhatch.example.org", token)
//	lent, err := c.CreateLease(ctx, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "read"})
//
// Lists are iterators that fetch a page after the other:
//
//	for location, err := range c.In("demo").Locations(ctx) {
//
// A call that the server refuses returns an *api.Problem, whose Code tells
// programs and whose Detail tells people what is wrong. Calls that did not reach
// the server, or that it asks to repeat, are repeated a few times.
//
// Package leasecreds below this one lets the AWS SDK borrow, and borrow anew.
package client
