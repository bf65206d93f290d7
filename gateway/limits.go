package gateway

import (
	"time"

	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/gateway/limit"
)

// Limits bound what one credential may ask at a time and in the long run.
type Limits = limit.Limits

// maxDocuments is how many documents one credential may send at a time.
const maxDocuments = 16

// What is held of documents at a time, of all users together and of each.
const (
	heldByAll  = 128 << 20
	heldByEach = 32 << 20
)

// manyCredentials is how many credentials' worth one user may ask.
const manyCredentials = 4

// patience is a Config's, when it says nothing else.
const patience = time.Minute

// admit lets a request in, by its credential and by its user. The credential comes
// first: what one is refused for asking too often is not taken from what the
// others of its user may ask.
func (g *Gateway) admit(v *visit) (leave func(), err error) {
	now := time.Now()
	byCredential, err := g.limiter.Admit(v.by.accessKeyID, v.Brings == classify.Document, now)
	if err != nil {
		return nil, err
	}
	byUser, err := g.users.Admit(v.by.user, v.Brings == classify.Document, now)
	if err != nil {
		byCredential()
		return nil, err
	}
	return func() { byUser(); byCredential() }, nil
}

// charge takes of both rates what a request costs that does as much as n. It has
// paid for one when it was let in.
func (g *Gateway) charge(v *visit, n int) error {
	now := time.Now()
	if err := g.limiter.Charge(v.by.accessKeyID, n-1, now); err != nil {
		return err
	}
	return g.users.Charge(v.by.user, n-1, now)
}
