package devserver

import (
	"context"
	"fmt"
	"os"
)

// RunBeside runs the tests of a package beside a server with sample data, and returns
// the exit status for TestMain. Examples find it as users' programs do: its address and
// its admin's token are in KEYHATCH_SERVER and KEYHATCH_TOKEN.
func RunBeside(tests interface{ Run() int }) (status int) {
	failed := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = max(status, 1)
		}
	}
	folder, err := os.MkdirTemp("", "keyhatch-beside-")
	if err != nil {
		failed(err)
		return status
	}
	defer func() { failed(os.RemoveAll(folder)) }()
	binary, err := Build(folder)
	if err != nil {
		failed(err)
		return status
	}
	server, err := Start(context.Background(), Config{Binary: binary})
	if err != nil {
		failed(err)
		return status
	}
	defer func() { failed(server.Stop()) }()
	failed(os.Setenv("KEYHATCH_SERVER", server.API))
	failed(os.Setenv("KEYHATCH_TOKEN", server.Token))
	if status != 0 {
		return status
	}
	return tests.Run()
}
