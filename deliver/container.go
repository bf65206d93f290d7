package deliver

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// Container serves leases on the loopback interface in the way of Amazon's
// container services: clients ask for credentials with a token that they got from
// their environment, and ask again before those end.
//
// Only who has the token is answered, and only when it asked for this address: a web
// page that makes a name of its own lead here, and a browser ask, has neither.
type Container struct {
	lend   Lend
	token  string
	server *http.Server
	host   string
	served chan struct{}
}

const containerPath = "/credentials"

// ServeContainer begins to serve what lend lends, renewed as Keep does. Close ends
// it.
func ServeContainer(lend Lend) (*Container, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Container{lend: Keep(lend), token: rand.Text(), host: listener.Addr().String(), served: make(chan struct{})}
	c.server = &http.Server{
		Handler:           c,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      lendTime + 10*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() {
		defer close(c.served)
		_ = c.server.Serve(listener) // ends with Close
	}()
	return c, nil
}

// Lend lends what clients are given.
func (c *Container) Lend(ctx context.Context) (api.Lent, error) { return c.lend(ctx) }

// Env are the variables ("NAME=value") that lead clients here.
func (c *Container) Env() []string {
	return []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://" + c.host + containerPath,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + c.token,
	}
}

// Close ends it; nothing listens when it returns.
func (c *Container) Close() error {
	err := c.server.Close()
	<-c.served
	return err
}

// ServeHTTP answers one client.
func (c *Container) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, refusal := c.admit(r); refusal != nil {
		answerJSON(w, status, refusal)
		return
	}
	lent, err := c.lend(r.Context())
	if err != nil {
		status, refusal := refusalOf(err)
		answerJSON(w, status, refusal)
		return
	}
	answerJSON(w, http.StatusOK, api.ContainerCredentials{
		AccessKeyID: lent.AccessKeyID, SecretAccessKey: lent.SecretAccessKey, Token: lent.SessionToken, Expiration: expiration(lent),
	})
}

func (c *Container) admit(r *http.Request) (int, *api.ContainerError) {
	given := r.Header.Values("Authorization")
	switch {
	case r.Host != c.host:
		return http.StatusForbidden, &api.ContainerError{Code: "WrongHost", Message: "ask for the address in AWS_CONTAINER_CREDENTIALS_FULL_URI"}
	case len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte(c.token)) != 1:
		return http.StatusUnauthorized, &api.ContainerError{Code: "WrongToken", Message: "send the value of AWS_CONTAINER_AUTHORIZATION_TOKEN in the header Authorization"}
	case r.URL.Path != containerPath:
		return http.StatusNotFound, &api.ContainerError{Code: "NotFound", Message: "ask for the address in AWS_CONTAINER_CREDENTIALS_FULL_URI"}
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, &api.ContainerError{Code: "MethodNotAllowed", Message: "use GET"}
	}
	return 0, nil
}

// refusalOf tells a client why there is no lease: with a status of the fours when it
// need not ask again, else of the fives, which SDKs do.
func refusalOf(err error) (int, *api.ContainerError) {
	var p *api.Problem
	switch {
	case !Final(err):
		return http.StatusServiceUnavailable, &api.ContainerError{Code: "Unavailable", Message: "the Keyhatch server cannot be asked now"}
	case errors.As(err, &p):
		return p.Status, &api.ContainerError{Code: p.Code, Message: err.Error()}
	}
	return http.StatusBadRequest, &api.ContainerError{Code: "Unusable", Message: err.Error()}
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	// Without a charset: the Go SDK reads an error only so.
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
