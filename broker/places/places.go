package places

import (
	"log/slog"

	"github.com/keyhatch/keyhatch/broker/kernel"
)

// Service does the use cases.
type Service struct {
	k     *kernel.Kernel
	roots []string
	reach Reach
	log   *slog.Logger
}

// New makes the service. directoryRoots are the folders inside which directory
// stores may lie; reach tells which hosts S3 stores may have.
func New(k *kernel.Kernel, directoryRoots []string, reach Reach, log *slog.Logger) *Service {
	return &Service{k, directoryRoots, reach, log}
}
