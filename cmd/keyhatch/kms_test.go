package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhatch/keyhatch/internal/moto"
	"github.com/keyhatch/keyhatch/seal"
)

// TestKMSKeepsTheKey: an installation without a key file. While KMS is away a server
// that runs goes on, and none starts.
func TestKMSKeepsTheKey(t *testing.T) {
	server := moto.Start(t)
	server.Use(t)
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-central-1"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := kms.NewFromConfig(c).CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	yaml := "keys: {kms: 'aws-kms://" + *key.KeyMetadata.Arn + "'}"
	p := installed(t, yaml)
	if _, err := p.start(yaml); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.CreateKeyFile(p.path("file")); err != nil {
		t.Fatal(err)
	}
	moved := "key_file: file\nkeys: {previous: {kms: 'aws-kms://" + *key.KeyMetadata.Arn + "'}}"
	if log, err := p.start(moved); err != nil || !strings.Contains(log, "the previous one may go") {
		t.Errorf("to a file: %v\n%s", err, log)
	}
	back := "keys: {kms: 'aws-kms://" + *key.KeyMetadata.Arn + "', previous: {file: file}}"
	if log, err := p.start(back); err != nil || !strings.Contains(log, "the previous one may go") {
		t.Errorf("and back: %v\n%s", err, log)
	}
	var said bytes.Buffer
	in, err := open(context.Background(), p.config(yaml), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	admin, err := in.broker.People.Authenticate(t.Context(), p.secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.broker.Keys.Rotate(t.Context(), admin, nil); err != nil {
		t.Errorf("rotate: %v", err)
	}
	server.Stop()
	if _, err := in.broker.People.Authenticate(t.Context(), p.secret); err != nil {
		t.Errorf("KMS is away, and this server runs: %v", err)
	}
	if _, err := in.broker.Keys.Step(t.Context()); err != nil {
		t.Errorf("nothing is to be wrapped yet: %v", err)
	}
	if _, err := p.start(yaml); err == nil || !strings.Contains(err.Error(), "AWS KMS does not answer") {
		t.Errorf("KMS is away: %v", err)
	}
}
