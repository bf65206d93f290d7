package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("testreport", flag.ContinueOnError)
	flags.SetOutput(stderr)
	noSkips := flags.Bool("no-skips", false, "fail when a test was skipped")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "testreport: takes no arguments, reads go test -json from standard input")
		return 2
	}

	r := newReport(stdout)
	err := r.read(stdin)
	if err != nil {
		fmt.Fprintf(stderr, "testreport: reading the event stream: %v\n", err)
	}
	if good := r.finish(*noSkips); !good || err != nil {
		return 1
	}
	return 0
}
