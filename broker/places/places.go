package places

import "github.com/keyhatch/keyhatch/broker/kernel"

// Service does the use cases.
type Service struct {
	k     *kernel.Kernel
	roots []string
}

// New makes the service. directoryRoots are the folders inside which directory
// stores may lie.
func New(k *kernel.Kernel, directoryRoots []string) *Service { return &Service{k, directoryRoots} }
