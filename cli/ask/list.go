package ask

import "errors"

// Everywhere is the word for no networks.
const Everywhere = "everywhere"

// ListOr is what was given, or nil for nothing; the word alone is an empty list.
func ListOr(given []string, word string) (*[]string, error) {
	switch {
	case given == nil:
		return nil, nil
	case len(given) == 1 && given[0] == word:
		return &[]string{}, nil
	}
	for _, g := range given {
		if g == word {
			return nil, UsageError{Err: errors.New(word + " stands alone")}
		}
	}
	return &given, nil
}
