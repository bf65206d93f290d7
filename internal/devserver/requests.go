package devserver

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Request is a line of the S3 endpoint's request log.
type Request struct {
	Operation string `json:"operation"`
	Bucket    string `json:"bucket"`
	Key       string `json:"key"`
	Status    int    `json:"status"`
	Code      string `json:"code"` // of an error
	Bytes     int64  `json:"bytes"`
	Lease     string `json:"lease"` // whose id, empty when the sender is unknown
}

// Requests reads from the request log of a server that Serve started what was
// asked with a lease. A request is logged when it has ended, which a client may
// know a moment before.
func (s *Server) Requests(lease string) ([]Request, error) {
	text, err := os.ReadFile(filepath.Join(s.Data, requestLog))
	if err != nil {
		return nil, err
	}
	var found []Request
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // it is being written
		}
		var r Request
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("a line of the request log: %w", err)
		}
		if r.Lease == lease {
			found = append(found, r)
		}
	}
	return found, nil
}
