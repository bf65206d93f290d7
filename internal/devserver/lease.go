package devserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Lease is what the API lends: credentials for a while, and where to use them.
type Lease struct {
	ID              string    `json:"id"`
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	SessionToken    string    `json:"session_token"`
	ExpiresAt       time.Time `json:"expires_at"`
	Endpoint        string    `json:"endpoint"`
	Region          string    `json:"region"`
	// CAFile is the server's: what a client of the endpoint must trust.
	CAFile string `json:"-"`
}

// Redact takes the lease's secrets out of text.
func (l Lease) Redact(text string) string {
	return Redact(text, l.SecretAccessKey, l.SessionToken)
}

// Lease borrows credentials for a location ("s3://bucket/prefix/"); access is
// "read" or "write".
func (s *Server) Lease(ctx context.Context, location, access string) (Lease, error) {
	var l Lease
	body, err := json.Marshal(map[string]string{"location": location, "access": access})
	if err != nil {
		return l, err
	}
	answer, err := s.call(ctx, http.MethodPost, "/api/v1/leases", body, http.StatusCreated)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(answer, &l); err != nil {
		return l, fmt.Errorf("reading a lease: %w", err)
	}
	l.CAFile = s.CAFile
	s.output.hide(l.SecretAccessKey)
	s.output.hide(l.SessionToken)
	for name, value := range map[string]string{
		"id": l.ID, "access_key_id": l.AccessKeyID, "secret_access_key": l.SecretAccessKey,
		"session_token": l.SessionToken, "endpoint": l.Endpoint, "region": l.Region,
	} {
		if value == "" {
			return l, fmt.Errorf("a lease has no %q", name)
		}
	}
	return l, nil
}

// Revoke ends a lease.
func (s *Server) Revoke(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodDelete, "/api/v1/leases/"+url.PathEscape(id), nil)
	return err
}

// Create makes what a path of the API is for ("/api/v1/stores"), as the
// administrator, and reads the answer into made, which may be nil.
func (s *Server) Create(ctx context.Context, path string, what, made any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	answer, err := s.call(ctx, http.MethodPost, path, body)
	if err != nil || made == nil {
		return err
	}
	if err := json.Unmarshal(answer, made); err != nil {
		return fmt.Errorf("POST %s: reading the answer: %w", path, err)
	}
	return nil
}

// call makes a request to the API with the administrator's token. The answer's
// status must be one of want, or any of success when none is given.
func (s *Server) call(ctx context.Context, method, path string, body []byte, want ...int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.API+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	good := resp.StatusCode/100 == 2
	for _, status := range want {
		if good = resp.StatusCode == status; good {
			break
		}
	}
	if !good {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, Redact(string(answer), s.Token))
	}
	return answer, nil
}
