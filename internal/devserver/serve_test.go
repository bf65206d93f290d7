package devserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fakeInstallation stands in for keyhatch init and keyhatch serve. It logs its
// configuration, and two requests, one of them not to the end.
func fakeInstallation(mode string, args []string, terminated <-chan os.Signal) int {
	config, err := os.ReadFile(args[3])
	if err != nil || args[2] != "--config" {
		fmt.Println("unexpected arguments", args, err)
		return 2
	}
	if args[1] == "init" {
		if mode == "no token" {
			fmt.Println("the token is on the way")
			return 0
		}
		fmt.Printf("The token of admin, shown this once:\n\n  %s\n", fakeToken)
		return 0
	}
	log := `{"msg":"s3","operation":"GetObject","status":404,"code":"NoSuchKey","lease":"lease_1"}` + "\n" +
		`{"msg":"s3","operation":"ListBuckets","status":403,"code":"AccessDenied","lease":""}` + "\n" + `{"msg":"s3","lease":"lea`
	if err := os.WriteFile(filepath.Join(filepath.Dir(args[3]), "requests.log"), []byte(log), 0o600); err != nil {
		panic(err)
	}
	api := httptest.NewServer(fakeAPI())
	fmt.Printf("it was told %q\n", config)
	if mode != "does not say" {
		fmt.Printf("{\"level\":\"INFO\",\"msg\":\"serving\",\"api\":%q,\"s3\":%q,\"region\":\"us-east-1\"}\n", api.URL, api.URL)
	}
	<-terminated
	return 0
}

func fakeServed(mode string) Installation {
	c := fake(mode)
	return Installation{Binary: c.Binary, Env: c.Env}
}

func TestServe(t *testing.T) {
	i := fakeServed("good")
	i.TLS, i.OutboundNetworks = true, []string{"127.0.0.0/8", "::1/128"}
	s, err := Serve(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	if s.Token != fakeToken || s.Region != "us-east-1" || !strings.HasPrefix(s.API, "http://127.0.0.1:") {
		t.Errorf("the server is taken for %+v", s.Ready)
	}
	if _, err := os.Stat(s.CAFile); err != nil {
		t.Errorf("what clients are to trust: %v", err)
	}
	for _, want := range []string{"tls_cert", "[127.0.0.0/8, ::1/128]", "request_log"} {
		if !strings.Contains(s.Output(), want) {
			t.Errorf("the configuration does not say %s: %s", want, s.Output())
		}
	}
	l, err := s.Lease(t.Context(), "s3://demo/alpha/", "read")
	if err != nil || l.CAFile != s.CAFile {
		t.Errorf("the lease is %+v, %v", l, err)
	}
	got, err := s.Requests(l.ID)
	if want := []Request{{Operation: "GetObject", Status: 404, Code: "NoSuchKey", Lease: "lease_1"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the log has %+v, %v; want %+v", got, err, want)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the data directory outlives the server (%v)", err)
	}
}

func TestServeFails(t *testing.T) {
	for mode, want := range map[string]string{
		"fails":        "keyhatch init: exit status 3",
		"no token":     "printed no token",
		"does not say": "it did not log that it serves",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			s, err := Serve(ctx, fakeServed(mode))
			if err == nil {
				_ = s.Kill()
				t.Fatal("Serve gave no error")
			}
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), fakeToken) {
				t.Errorf("error is %q, want one that says %q and no token", err, want)
			}
		})
	}
}

func TestCreate(t *testing.T) {
	s := start(t, "good")
	var made struct {
		ID string `json:"id"`
	}
	what := map[string]string{"location": "s3://demo/alpha/", "access": "read"}
	if err := s.Create(t.Context(), "/api/v1/leases", what, &made); err != nil || made.ID != "lease_1" {
		t.Errorf("made %+v, %v", made, err)
	}
	if err := s.Create(t.Context(), "/api/v1/nothing", what, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("making what there is not: %v", err)
	}
}
