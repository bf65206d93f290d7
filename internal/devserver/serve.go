package devserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/keyhatch/keyhatch/internal/certificate"
)

// Installation says what Serve makes. Only Binary must be set.
type Installation struct {
	// Binary is the path of a keyhatch binary, as Build returns it.
	Binary string
	// TLS gives the S3 endpoint a certificate that Server.CAFile lets clients
	// trust, and APITLS the API one of Server.APICAFile.
	TLS, APITLS bool
	// API are lines that are added to what the configuration says of the API's listener.
	API string
	// OutboundNetworks are the networks (CIDR) in which S3 stores may lie, besides
	// public addresses.
	OutboundNetworks []string
	// Settings are lines that are added to the configuration.
	Settings string
	// Env is added to the environment ("NAME=value"), which is otherwise nearly
	// empty.
	Env []string
}

// Serve makes an installation in a directory of its own, which goes when the
// server is stopped, and returns when it is ready to serve. It has an
// administrator and nothing else. The caller must call Stop or Kill.
func Serve(ctx context.Context, i Installation) (*Server, error) {
	return serve(ctx, i, func(s *Server, config string) (token string, err error) { return s.initialize(config, i) })
}

// Beside serves an installation by one more process, with a directory and addresses of its
// own and the first one's key: the settings of both have to name one database. The caller
// must call Stop or Kill.
func (s *Server) Beside(ctx context.Context, i Installation) (*Server, error) {
	i.Settings += fmt.Sprintf("key_file: %q\n", filepath.Join(s.Data, "keyhatch.key"))
	return serve(ctx, i, func(*Server, string) (string, error) { return s.Token, nil })
}

// serve has begin make what is served, or find it; that tells an administrator's token.
func serve(ctx context.Context, i Installation, begin func(s *Server, config string) (token string, err error)) (*Server, error) {
	work, err := os.MkdirTemp("", "keyhatch-serve-")
	if err != nil {
		return nil, err
	}
	s := &Server{Data: filepath.Join(work, "data"), client: http.DefaultClient, command: "keyhatch serve", work: work, output: &output{}, patience: stopWithin}
	config := filepath.Join(s.Data, "keyhatch.yaml")
	if err := s.configure(config, i); err != nil {
		return nil, s.giveUp(err)
	}
	if s.Token, err = begin(s, config); err != nil {
		return nil, s.giveUp(err)
	}
	s.output.hide(s.Token)
	s.serve = func(ctx context.Context) error {
		return s.run(ctx, s.program(i.Binary, i.Env, "serve", "--config", config), func() error {
			var ok bool
			if s.API, s.S3, s.Region, ok = s.output.serving(); !ok {
				return errors.New("it did not log that it serves")
			}
			return nil
		})
	}
	if err := s.serve(ctx); err != nil {
		return nil, s.giveUp(err)
	}
	return s, nil
}

// Crash ends a server that Serve has made, without warning, and serves the same
// installation again, at other addresses. Nobody else may use the server meanwhile.
func (s *Server) Crash(ctx context.Context) error {
	if err := s.Die(); err != nil {
		return err
	}
	return s.Rise(ctx)
}

// Die ends a server that Serve has made, without warning, and keeps what Rise needs.
func (s *Server) Die() error {
	select {
	case <-s.process.Ended():
		return fmt.Errorf("%s had ended by itself; it said:\n%s", s.command, s.Output())
	default:
	}
	if !s.process.End(syscall.SIGKILL, s.patience) {
		return fmt.Errorf("%s did not end within %v of a signal", s.command, s.patience)
	}
	return nil
}

// Rise serves an installation again whose server has ended, at other addresses.
func (s *Server) Rise(ctx context.Context) error {
	s.output.forget()
	return s.serve(ctx)
}

// Objects is the folder in which directory stores may lie.
func (s *Server) Objects() string { return filepath.Join(s.Data, "objects") }

// requestLog is the name of the file that the S3 endpoint logs to.
const requestLog = "requests.log"

// configure writes the configuration, and the certificate that it names.
func (s *Server) configure(file string, i Installation) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprint(&text, "log_format: json\napi:\n  listen: 127.0.0.1:0\n"+i.API)
	if i.APITLS {
		authority, err := s.certify(&text, "api")
		if err != nil {
			return err
		}
		if s.client, err = trusting(authority); err != nil {
			return err
		}
		s.APICAFile = authority
	}
	fmt.Fprintf(&text, "s3:\n  listen: 127.0.0.1:0\n  request_log: %s\n", requestLog)
	if i.TLS {
		var err error
		if s.CAFile, err = s.certify(&text, "s3"); err != nil {
			return err
		}
	}
	if len(i.OutboundNetworks) > 0 {
		fmt.Fprintf(&text, "outbound_networks: [%s]\n", strings.Join(i.OutboundNetworks, ", "))
	}
	text.WriteString(i.Settings)
	return os.WriteFile(file, []byte(text.String()), 0o600)
}

// certify makes a certificate for a listener, adds it to the configuration, and returns
// the file of who vouches for it.
func (s *Server) certify(config *strings.Builder, listener string) (authority string, err error) {
	f := certificate.Files{
		Authority: filepath.Join(s.Data, listener+"-authority.pem"), Certificate: filepath.Join(s.Data, listener+".pem"), Key: filepath.Join(s.Data, listener+"-key.pem"),
	}
	fmt.Fprintf(config, "  tls_cert: %q\n  tls_key: %q\n", f.Certificate, f.Key)
	return f.Authority, certificate.Loopback("keyhatch", f)
}

// trusting makes a client that trusts the authority and nobody else.
func trusting(authority string) (*http.Client, error) {
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", authority)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}, nil
}

// initialize makes the database and returns the administrator's token, which is
// printed for people.
func (s *Server) initialize(config string, i Installation) (string, error) {
	cmd := s.program(i.Binary, i.Env, "init", "--config", config)
	cmd.Stderr = s.output
	printed, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("keyhatch init: %w; it said:\n%s", err, s.Output())
	}
	token := tokens.Find(printed)
	if token == nil {
		return "", fmt.Errorf("keyhatch init printed no token, but:\n%s", printed)
	}
	return string(token), nil
}

// serving finds what keyhatch serve logs when it has taken its addresses.
func (o *output) serving() (api, s3, region string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.Lines(o.text.String()) {
		var said struct{ Msg, API, S3, Region string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "serving" {
			return said.API, said.S3, said.Region, said.API != "" && said.S3 != "" && said.Region != ""
		}
	}
	return "", "", "", false
}
