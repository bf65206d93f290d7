package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/pgcluster"
	"github.com/rogpeppe/go-internal/testscript"
)

// onPostgreSQL returns the command `postgresql CONFIG`, which adds an empty database to a
// configuration and tells its address as $POSTGRESQL, and the condition [postgresql], that there can be one.
func onPostgreSQL(t *testing.T) (command func(*testscript.TestScript, bool, []string), condition func(string) (bool, error)) {
	var cluster *pgcluster.Cluster
	if os.Getenv(pgcluster.Variable) != "" {
		cluster = pgcluster.Start(t)
	}
	command = func(ts *testscript.TestScript, _ bool, args []string) {
		address, err := cluster.Make()
		ts.Check(err)
		ts.Setenv("POSTGRESQL", address)
		text := ts.ReadFile(args[0]) + fmt.Sprintf("database: %q\n", address)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	}
	return command, func(name string) (bool, error) {
		if name != "postgresql" {
			return false, fmt.Errorf("unknown condition %q", name)
		}
		return cluster != nil, nil
	}
}

// adminof FILE gives the commands that follow the token that init has printed there.
func adminOf(ts *testscript.TestScript, _ bool, args []string) {
	token := regexp.MustCompile(`kh_[0-9A-Za-z]{49}`).FindString(ts.ReadFile(args[0]))
	if token == "" {
		ts.Fatalf("%s has no token", args[0])
	}
	ts.Setenv("KEYHATCH_TOKEN", token)
}

// soon COMMAND... runs a command again until it succeeds, or with ! fails.
func soon(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(patience); ; time.Sleep(25 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if (err == nil) != neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("it still ends with %v", err)
		}
	}
}
