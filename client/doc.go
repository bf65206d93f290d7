// Package client calls the native API of a Keyhatch server from Go.
//
//	c := client.New("http://127.0.0.1:8750", token)
//	lent, err := c.CreateLease(ctx, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "read"})
//
// A call that the server refuses returns an *api.Problem, whose Code tells
// programs and whose Detail tells people what is wrong.
package client
