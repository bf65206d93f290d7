package awssts

import (
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// maxFederationName is how long the name of a federation token can be.
//
// Source: AWS STS API reference, GetFederationToken, Name.
const maxFederationName = 32

// nameOf is how the session of a request is called. One that is shared is nobody's.
func nameOf(r driver.VendRequest, most int) string {
	of := keyhatch.SessionOf{User: r.User, Client: r.Client, Vend: r.ID}
	if r.Shared {
		of.User, of.Client = "=shared", "keyhatch" // no user's name begins so
	}
	return of.Name(r.As.SessionName, most)
}
