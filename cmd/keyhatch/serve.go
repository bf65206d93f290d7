package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/cli/ask"
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
}

// Run serves until it is told to stop.
func (v serveCommand) Run(ctx context.Context, s ask.Streams) error {
	c, err := config.Read(v.Config)
	if err != nil {
		return err
	}
	log := c.Logger(s)
	c.Warn(log)
	in, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	in.log.Info("serving", "version", thisBuild().Version, "api", in.apiURL, "s3", in.s3URL, "region", c.S3.Region)
	return errors.Join(in.run(ctx), in.Close())
}
