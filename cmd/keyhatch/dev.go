package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/tour"
	"github.com/keyhatch/keyhatch/db"
)

type devCommand struct {
	Data     string `default:"keyhatch-data" type:"path" env:"KEYHATCH_DEV_DATA" help:"Folder for everything; made where missing."`
	Listen   string `default:"127.0.0.1:8750" env:"KEYHATCH_DEV_LISTEN" help:"Address of the API."`
	S3Listen string `name:"s3-listen" default:"127.0.0.1:8751" env:"KEYHATCH_DEV_S3_LISTEN" help:"Address of the S3 endpoint."`
	// Not for people: a test that waits for the end of leases cannot wait for long.
	ShortestLease time.Duration `hidden:"" default:"15m"`
	ReadyFile     string        `type:"path" placeholder:"FILE" help:"Write where it listens and the token to this file (JSON, 0600) once it is ready."`
}

const devAdmin = "admin"

// Run makes an installation with sample data where there is none yet, does the
// main job once before the user's eyes, and serves until it is told to stop.
func (d devCommand) Run(ctx context.Context, s ask.Streams) (err error) {
	if err := writable(d.Data); err != nil {
		return err
	}
	if d.ReadyFile != "" && !exists(filepath.Dir(d.ReadyFile)) {
		return fmt.Errorf("--ready-file: the folder %s is missing", filepath.Dir(d.ReadyFile))
	}
	logFile, err := os.OpenFile(d.path("keyhatch.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer logFile.Close()
	c, fresh, err := d.config()
	if err != nil {
		return err
	}
	for _, name := range c.InTheClear() {
		fmt.Fprintf(s.Err, "keyhatch: %s: %s\n", name, config.ClearText)
	}
	log := slog.New(slog.NewTextHandler(logFile, nil))
	if fresh {
		if err := d.first(ctx, c, log); err != nil {
			return err
		}
	}
	address, err := c.DatabaseAddress()
	if err != nil {
		return err
	}
	if _, _, err := db.Migrate(ctx, address, nil); err != nil {
		return err
	}
	in, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	secret, err := d.adminToken()
	if err != nil {
		return err
	}
	return d.serve(ctx, in, secret, s)
}

// firstMakes is what a first start makes beside the configuration.
var firstMakes = []string{"keyhatch.db", "keyhatch.db-wal", "keyhatch.db-shm", "keyhatch.key", "admin-token", "objects"}

// first makes an installation with sample data in a folder that has none. What
// it makes, and nothing else, is removed again when it fails or is interrupted:
// the next start is a first start then. The configuration comes last and marks
// the data as complete.
func (d devCommand) first(ctx context.Context, c config.Config, log *slog.Logger) (err error) {
	for _, name := range firstMakes {
		if exists(d.path(name)) {
			return fmt.Errorf("%s is there, but no keyhatch.yaml: it is not what dev made; choose another folder with --data", d.path(name))
		}
	}
	defer func() {
		if err == nil {
			return
		}
		for _, name := range firstMakes {
			os.RemoveAll(d.path(name)) // none of these was there
		}
	}()
	if err := d.install(ctx, c); err != nil {
		return err
	}
	secret, err := d.adminToken()
	if err != nil {
		return err
	}
	in, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	if err := errors.Join(d.seed(ctx, in, secret), in.Close()); err != nil {
		return fmt.Errorf("sample data: %w", err)
	}
	return os.WriteFile(d.path("keyhatch.yaml"), []byte(config.Default), 0o600)
}

func (d devCommand) adminToken() (keyhatch.Secret, error) {
	token, err := os.ReadFile(d.path("admin-token"))
	if err != nil {
		return "", fmt.Errorf("the admin's token: %w", err)
	}
	return keyhatch.Secret(strings.TrimSpace(string(token))), nil
}

func (d devCommand) path(name string) string { return filepath.Join(d.Data, name) }

// config is that of the data, with this command's addresses.
func (d devCommand) config() (c config.Config, fresh bool, err error) {
	if fresh = !exists(d.path("keyhatch.yaml")); fresh {
		c, err = config.Parse([]byte(config.Default), d.Data)
	} else {
		c, err = config.Read(d.path("keyhatch.yaml"))
	}
	if err != nil {
		return c, fresh, err
	}
	c.API.Listen, c.S3.Listen = d.Listen, d.S3Listen
	c.ShortestLease = d.ShortestLease
	return c, fresh, errors.Join(d.checkShortestLease(), c.Check())
}

// checkShortestLease takes less than the least there is only where nobody but this
// machine asks, and whole seconds, which is what leases are asked for in.
func (d devCommand) checkShortestLease() error {
	if d.ShortestLease == keyhatch.MinLeaseLife {
		return nil
	}
	if d.ShortestLease < time.Second || d.ShortestLease > keyhatch.MinLeaseLife {
		return fmt.Errorf("--shortest-lease must be between 1s and %s", keyhatch.MinLeaseLife)
	}
	for _, address := range []string{d.Listen, d.S3Listen} {
		if host, _, err := net.SplitHostPort(address); err != nil || !keyhatch.IsLoopback(host) {
			return errors.New("--shortest-lease is for tests: it takes addresses of the loopback interface only")
		}
	}
	return nil
}

func (d devCommand) install(ctx context.Context, c config.Config) error {
	_, secret, err := create(ctx, c, devAdmin)
	if err != nil {
		return err
	}
	return os.WriteFile(d.path("admin-token"), []byte(secret.Reveal()+"\n"), 0o600)
}

// serve runs the servers, tours them, and waits.
func (d devCommand) serve(ctx context.Context, in *instance, token keyhatch.Secret, s ask.Streams) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- in.run(ctx)
		stop()
	}()
	err := d.show(ctx, in, token, s)
	if d.ReadyFile != "" {
		defer os.Remove(d.ReadyFile)
	}
	if err != nil || ctx.Err() != nil {
		stop()
		return errors.Join(err, <-served)
	}
	return <-served
}

func (d devCommand) show(ctx context.Context, in *instance, token keyhatch.Secret, s ask.Streams) error {
	shown := tour.Tour{API: in.apiURL, Token: token, Out: s.Out}
	toPaste, err := shown.Run(ctx)
	if err != nil {
		return err
	}
	d.paste(in, toPaste, s)
	if d.ReadyFile == "" {
		return nil
	}
	ready, err := json.Marshal(map[string]string{
		"api": in.apiURL, "s3": in.s3URL, "region": in.config.S3.Region, "token": token.Reveal(),
		"workspace": sampleWorkspace, "store": sampleStore, "location": sampleLocation,
	})
	if err != nil {
		return err
	}
	return writeWhole(d.ReadyFile, append(ready, '\n'))
}

// writeWhole writes a file that only its owner can read, so that whoever waits
// for it never sees half of it.
func writeWhole(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ready-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writable makes the folder and tries to write in it.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	f, err := os.CreateTemp(folder, ".write-*")
	if err != nil {
		return fmt.Errorf("data folder %s is not writable: choose another with --data, or change its permissions", folder)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
