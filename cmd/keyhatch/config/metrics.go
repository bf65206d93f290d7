package config

import (
	"errors"
	"fmt"
	"net"

	"github.com/keyhatch/keyhatch"
)

// MetricsListener is where Prometheus asks.
type MetricsListener struct {
	// Listen is the address, host:port, at which GET /metrics answers, to everybody who reaches it and by plain
	// HTTP. Default: none, and there are no metrics.
	Listen string `yaml:"listen"`

	// BeyondLoopback lets others than this machine reach it. There is no secret in metrics, but how
	// much is done, how often it fails, and which version of the program does it. Default: false.
	BeyondLoopback bool `yaml:"beyond_loopback"`
}

func (m MetricsListener) check() error {
	if m.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(m.Listen)
	if err != nil {
		return fmt.Errorf("metrics.listen must be host:port: %w", err)
	}
	if !m.BeyondLoopback && !keyhatch.IsLoopback(host) {
		return errors.New("metrics.listen is not on loopback, and everybody who reaches it can read it: listen on 127.0.0.1, or say metrics.beyond_loopback: true")
	}
	return nil
}
