package lending

import (
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// Service does the use cases.
type Service struct {
	k       *kernel.Kernel
	lenders map[keyhatch.Lending]driver.Lender
}

// New makes the service. lenders mint the credentials, by how a store lends.
func New(k *kernel.Kernel, lenders map[keyhatch.Lending]driver.Lender) *Service {
	return &Service{k, lenders}
}
