package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What a store tells of a batch delete is read as far as it was asked, and a store
// that tells of more is not believed.
func TestReadDeleted(t *testing.T) {
	t.Parallel()
	const one, other, no = "<Deleted><Key>a</Key></Deleted>", "<Deleted><Key>c</Key></Deleted>", "<Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
	for name, c := range map[string]struct {
		text string
		want string // empty: it cannot be read
		err  error
	}{
		"none":           {"<DeleteResult/>", "{[] []}", nil},
		"some":           {"<?xml version=\"1.0\"?>\n<DeleteResult>" + one + no + "<Other/></DeleteResult>", "{[{a}] [{b AccessDenied no}]}", nil},
		"of a namespace": {`<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + one + "</DeleteResult>", "{[{a}] []}", nil},
		"nothing":        {"", "", nil},
		"broken off":     {"<DeleteResult>" + one, "", nil},
		"another":        {"<DeleteResult>" + one + no + other + "</DeleteResult>", "", errOthersDeleted},
		"no name":        {"<DeleteResult><Deleted/></DeleteResult>", "", errOthersDeleted},
		"many more":      {"<DeleteResult>" + strings.Repeat(one, 10_000) + "</DeleteResult>", "", errOthersDeleted},
	} {
		got, err := readDeleted([]byte(c.text), map[string]bool{"a": true, "b": true})
		if (err == nil) != (c.want != "") || c.err != nil && !errors.Is(err, c.err) || err == nil && fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
