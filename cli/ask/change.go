package ask

import "errors"

// Wanting refuses a change of nothing, which would look as if something was changed.
func Wanting[T comparable](change T) error {
	var none T
	if change == none {
		return UsageError{errors.New("there is nothing to change: say what with a flag, --help shows which")}
	}
	return nil
}
