package arguments

import "strings"

// Unreadable is why nothing can be read of a request. It has nothing of what was sent.
type Unreadable string

func (u Unreadable) Error() string { return "the arguments cannot be read: " + string(u) }

// Missing is a required argument that was not given, by its path.
type Missing struct{ Path []string }

func (m *Missing) Error() string { return "the argument " + strings.Join(m.Path, ".") + " is missing" }

// Wrong is an argument that is not what it should be.
type Wrong struct {
	Path   []string
	Index  *int // in a list
	Issue  Issue
	Errors []string // rules that are broken, or what was expected
}

func (w *Wrong) Error() string {
	return "the argument " + strings.Join(w.Path, ".") + " is wrong: " + string(w.Issue)
}

// Description is the format's of the issue, if it has one.
func (i Issue) Description() *string {
	if d, ok := issues[i]; ok {
		return &d
	}
	return nil
}

func wrong(path []string, index *int, is Issue, errors ...string) error {
	return &Wrong{Path: path, Index: index, Issue: is, Errors: append([]string{}, errors...)}
}

// Issue is what is wrong with an argument.
type Issue string

// The issues that there are.
const (
	InvalidScalar         Issue = "invalid_scalar"
	ParseError            Issue = "parse_error"
	ValidationErrors      Issue = "validation_errors"
	InvalidEnumValue      Issue = "invalid_enum_value"
	ArrayExpected         Issue = "array_expected"
	ObjectExpected        Issue = "object_expected"
	MissingLookupValue    Issue = "missing_lookup_value"
	AmbiguousLookupValues Issue = "ambiguous_lookup_values"
)

// issues are their descriptions, where the format has one.
var issues = map[Issue]string{
	InvalidScalar:         "The value provided was not of an appropriate type for the scalar that was requested. For example, you may have passed a string where an integer was required etc...",
	ParseError:            "The value provided could not be parsed into an appropriate value by the server. For example, if a date was expected and the value could not be interpreted as such.",
	InvalidEnumValue:      "The value provided was not one of the options suitable for the enum.",
	MissingLookupValue:    "A value for a lookup argument set has not been provided but at least one value is required.",
	AmbiguousLookupValues: "More than one value has been provided for a lookup argument set. Only one option may be provided.",
}
