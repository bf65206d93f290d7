package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// What is configured is what is done.
func TestKeepRequestsIsWired(t *testing.T) {
	for keep, want := range map[string]string{"7d": "older_than=168h0m0s", "forever": ""} {
		r := startWith(t, func(c *config.Config) { c.Audit.KeepRequests = keep })
		r.call(r.admin.Reveal(), "GET", "/api/v1/stores", "") // it serves
		const told = "object requests are pruned"
		if log := r.log.String(); strings.Contains(log, told) != (want != "") || !strings.Contains(log, want) {
			t.Errorf("kept %s: %s", keep, log)
		}
	}
}

// What was pruned on purpose is no damage: verifying says how much it was, and up to
// when. Removing more of it is.
func TestVerifyTellsWhatWasPruned(t *testing.T) {
	r := start(t)
	c := s3Client(r.lease("read"))
	for range 3 {
		if _, err := get(t.Context(), c, "alpha/README.txt"); err != nil {
			t.Fatal(err)
		}
	}
	r.accesses(3, "--location", "alpha")
	before := time.Now().Add(time.Second).UTC().Truncate(time.Millisecond)
	for more := true; more; {
		var err error
		if more, err = r.in.broker.Objects.Prune(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if left := r.accesses(0, "--location", "alpha"); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	if err := os.WriteFile(r.folder+"/keyhatch.yaml", []byte(config.Default), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func() (int, string) {
		status, out, failed := r.ask("", "audit", "verify", "--config", r.folder+"/keyhatch.yaml")
		return status, out + failed
	}
	told := "\n  pruned on purpose: object requests 3, all recorded before " + before.Format(time.RFC3339Nano) + "\n"
	if status, out := verify(); status != ask.ExitDone || !strings.Contains(out, "object requests 0\n") || !strings.Contains(out, told) {
		t.Errorf("%d %s, want %q", status, out, told)
	}
	if err := tamperWith(r.folder+"/keyhatch.db", "delete from events where action = 'objects.prune'"); err != nil {
		t.Fatal(err)
	}
	if status, out := verify(); status != ask.ExitFailed || !strings.Contains(out, "the object requests that the event vouches for") {
		t.Errorf("without the event: %d %s", status, out)
	}
}
