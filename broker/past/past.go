package past

import "github.com/keyhatch/keyhatch/broker/kernel"

// Service does the use cases.
type Service struct{ k *kernel.Kernel }

// New makes the service.
func New(k *kernel.Kernel) *Service { return &Service{k} }
