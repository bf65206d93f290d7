package gateway

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
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
		"no name":        {"<DeleteResult>" + one + "<Deleted></Deleted></DeleteResult>", "{[{a}] []}", nil},
		"no name failed": {"<DeleteResult><Error><Code>AccessDenied</Code></Error></DeleteResult>", "", errOthersDeleted},
		"many more":      {"<DeleteResult>" + strings.Repeat(one, 10_000) + "</DeleteResult>", "", errOthersDeleted},
	} {
		got, err := readDeleted([]byte(c.text), map[string]bool{"a": true, "b": true})
		if (err == nil) != (c.want != "") || c.err != nil && !errors.Is(err, c.err) || err == nil && fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// FuzzReadDeleted: whatever a store tells of a batch delete, no key is told on that
// was not asked for, and no more than S3 takes in one.
func FuzzReadDeleted(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0"?><DeleteResult xmlns="x"><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>`))
	f.Add([]byte(`<DeleteResult><Deleted/><Deleted><Key>c</Key></Deleted></DeleteResult>`))
	f.Add([]byte(`<DeleteResult><Deleted><Key>a</Key><Key>c</Key></Deleted><Deleted><Key>a<Key>c</Key></Key></Deleted></DeleteResult>`))
	f.Add([]byte(`<DeleteResult><Error><Key>a</Key><Deleted><Key>c</Key></Deleted></Error></DeleteResult>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		asked := map[string]bool{"a": true, "b": true}
		got, err := readDeleted(text, asked)
		if err != nil {
			return
		}
		if len(got.Deleted)+len(got.Error) > s3wire.MaxDeletes {
			t.Fatalf("%q tells of %d and %d keys", text, len(got.Deleted), len(got.Error))
		}
		for _, gone := range got.Deleted {
			if !asked[gone.Key] {
				t.Fatalf("%q tells of %q", text, gone.Key)
			}
		}
		for _, e := range got.Error {
			if !asked[e.Key] {
				t.Fatalf("%q tells of %q", text, e.Key)
			}
		}
	})
}
