// Package leasecreds gives leases to the AWS SDK for Go, as stscreds and
// processcreds give it other credentials:
//
//	keyhatch := client.New("https://keyhatch.example.org", token)
//	provider := leasecreds.New(keyhatch, api.LeaseRequest{Location: "s3://demo/alpha/", Access: "read"})
//	objects, err := leasecreds.NewS3(ctx, provider)
//
// The SDK keeps a lease until it is due to be renewed (api.RenewAt), and so long as
// the old one lives, a server that cannot be asked is not noticed.
package leasecreds
