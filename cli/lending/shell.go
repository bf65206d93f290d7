package lending

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/deliver"
)

// shell is the one that env is for: that which runs this program, since $SHELL is the
// user's at login, whatever evals now. A login shell that is none, as users have that
// only services are, runs its scripts with the system's.
func (l leaseBorrow) shell() (deliver.Shell, error) {
	if l.Shell != "auto" {
		shell, _ := deliver.ShellOf(l.Shell)
		return shell, nil
	}
	for _, name := range parentNames() {
		if shell, ok := deliver.ShellOf(name); ok {
			return shell, nil
		}
	}
	name := os.Getenv("SHELL")
	if name == "" && runtime.GOOS == "windows" {
		name = "powershell"
	}
	switch filepath.Base(name) {
	case ".", "false", "nologin":
		return deliver.POSIX, nil
	}
	if shell, ok := deliver.ShellOf(name); ok {
		return shell, nil
	}
	return "", fmt.Errorf("$SHELL is %s, whose language is none of those here: name the shell that evals, with --shell sh, bash, zsh, fish or powershell", name)
}

// parentNames are what the program that runs this one may be known by. What the system
// calls a script is the script's name, so its file is asked first.
func parentNames() (names []string) {
	parent := strconv.Itoa(os.Getppid())
	if program, err := os.Readlink("/proc/" + parent + "/exe"); err == nil {
		names = append(names, program)
	}
	name, err := os.ReadFile("/proc/" + parent + "/comm")
	if err != nil && runtime.GOOS != "windows" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		name, _ = exec.CommandContext(ctx, "ps", "-o", "comm=", "-p", parent).Output()
	}
	// Login shells have a dash before their name.
	return append(names, strings.TrimPrefix(strings.TrimSpace(string(name)), "-"))
}
