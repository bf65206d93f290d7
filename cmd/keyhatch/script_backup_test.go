package main

import (
	"os"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"
)

// ageidentity FILE makes an identity in the file, and tells its recipient as $RECIPIENT and
// in FILE.pub.
func ageIdentity(ts *testscript.TestScript, _ bool, args []string) {
	made, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(made.String()+"\n"), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), []byte("# who can read\n"+made.Recipient().String()+"\n"), 0o600))
	ts.Setenv("RECIPIENT", made.Recipient().String())
}

// cutoff FILE OTHER copies a file without its last bytes.
func cutOff(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text[:len(text)-20]), 0o600))
}
