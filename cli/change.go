package cli

import (
	"errors"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// wanting refuses a change of nothing, which would look as if something was changed.
func wanting[T comparable](change T) error {
	var none T
	if change == none {
		return ask.UsageError{Err: errors.New("there is nothing to change: say what with a flag, --help shows which")}
	}
	return nil
}
