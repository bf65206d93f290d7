package lending

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// Service does the use cases.
type Service struct {
	k       *kernel.Kernel
	lenders map[keyhatch.Lending]driver.Lender
	least   time.Duration // that a lease lasts; a lender may want more
	used    func(accessKey string, at time.Time)
}

// New makes the service. lenders mint the credentials, by how a store lends. least is
// the shortest lease; zero is keyhatch.MinLeaseLife. used is told of access keys that
// borrow.
func New(k *kernel.Kernel, lenders map[keyhatch.Lending]driver.Lender, least time.Duration, used func(accessKey string, at time.Time)) *Service {
	if least == 0 {
		least = keyhatch.MinLeaseLife
	}
	return &Service{k, lenders, least, used}
}
