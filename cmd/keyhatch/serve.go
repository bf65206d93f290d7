package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/mirror"
)

type initCommand struct {
	Config string `default:"keyhatch.yaml" type:"path" help:"Configuration file; made with defaults where missing."`
	Admin  string `default:"admin" help:"Name of the first installation admin."`
}

// Run makes an installation and prints the first admin's token, once.
func (i initCommand) Run(ctx context.Context, s ask.Streams) error {
	_, err := os.Stat(i.Config)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		if err := os.MkdirAll(filepath.Dir(i.Config), 0o700); err != nil {
			return fmt.Errorf("init: %w", err)
		}
		if err := os.WriteFile(i.Config, []byte(config.Default), 0o600); err != nil {
			return fmt.Errorf("init: %w", err)
		}
	}
	err = i.create(ctx, s)
	if err != nil && fresh {
		err = errors.Join(err, os.Remove(i.Config))
	}
	return err
}

func (i initCommand) create(ctx context.Context, s ask.Streams) error {
	c, err := config.Read(i.Config)
	if err != nil {
		return err
	}
	if err := makeRoots(c); err != nil { // before: the token is told once
		return fmt.Errorf("init: %w", err)
	}
	cluster, secret, err := create(ctx, c, i.Admin)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, `Installation %s is ready.

  configuration  %s
  database       %s
  %s

The token of admin %q, shown this once:

  %s

Next: keyhatch serve --config %s
`, cluster, i.Config, c.Database, c.ToldKey(), i.Admin, secret.Reveal(), i.Config)
	return err
}

type serveCommand struct {
	Config string `default:"keyhatch.yaml" type:"path" help:"Configuration file."`
	Check  bool   `help:"Check configuration, database, key file, certificates and audit record, and end."`
}

// Run serves until it is told to stop.
func (v serveCommand) Run(ctx context.Context, s ask.Streams) error {
	c, err := config.Read(v.Config)
	if err != nil {
		return err
	}
	log := c.Logger(s)
	c.Warn(log)
	if v.Check {
		return v.check(ctx, c, s)
	}
	in, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	in.log.Info("serving", "version", thisBuild().Version, "api", in.apiURL, "s3", in.s3URL, "region", c.S3.Region)
	return errors.Join(in.run(ctx), in.Close())
}

// check takes no address, so that it can run beside the server it is about.
func (serveCommand) check(ctx context.Context, c config.Config, s ask.Streams) error {
	d, keys, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := c.Trusted(c.ListeningAt(), nil, c.Logger(s)); err != nil {
		return err
	}
	if _, err := c.Elsewhere(c.ListeningAt(), nil); err != nil {
		return err
	}
	if _, err := mirror.Load(ctx, d, c.Logger(s)); err != nil {
		return err
	}
	for _, l := range []struct {
		name string
		config.Listener
	}{{"api", c.API.Listener}, {"s3", c.S3.Listener}} {
		if _, err := l.TLS(); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	report, err := broker.VerifyAudit(ctx, d, keys)
	if err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return fmt.Errorf("places where the audit record is damaged: %d; see keyhatch audit verify", len(report.Findings))
	}
	_, err = fmt.Fprintln(s.Out, "configuration, database, key file, certificates and audit record are in order")
	return err
}
