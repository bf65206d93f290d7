package main

import (
	"fmt"

	"github.com/keyhatch/keyhatch/cli"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/seal"
)

type keysCommand struct {
	cli.KeysVerbs
	Generate keysGenerate `cmd:"" help:"Make a key-encryption key, in a new file or for an environment variable."`
}

type keysGenerate struct {
	File string `arg:"" optional:"" type:"path" help:"New file (0600) to write it to. Default: its line is printed, for the variable that keys.env names."`
}

// Help is what --help says beside the flags.
func (keysGenerate) Help() string {
	return `No server knows it yet: name it as key_file or keys.env, and the one before as keys.previous; see docs/keys.md.`
}

// Run makes the key.
func (g keysGenerate) Run(s ask.Streams) error {
	if g.File == "" {
		_, err := fmt.Fprintln(s.Out, seal.NewKeyLine().Reveal())
		return err
	}
	kek, err := seal.CreateKeyFile(g.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s is in %s: keep a copy elsewhere\n", kek.ID, ask.Printable(g.File))
	return err
}
