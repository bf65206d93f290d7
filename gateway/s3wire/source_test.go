package s3wire

import "testing"

// What a source is written as reads as the same source, whatever its key.
func TestSourceHeader(t *testing.T) {
	for header, want := range map[string]Source{
		"bkt/k":                           {"bkt", "k", ""},
		"/bkt/a/b":                        {"bkt", "a/b", ""},
		"bkt/a+b%20c":                     {"bkt", "a+b c", ""},
		"bkt/%C3%A9%25%3F":                {"bkt", "é%?", ""},
		"bkt/k?versionId=null":            {"bkt", "k", "null"},
		"bkt/k?versionId=a-b.c_d~e":       {"bkt", "k", "a-b.c_d~e"},
		"":                                {},
		"bkt":                             {},
		"bkt/":                            {},
		"Bkt/k":                           {},
		"bkt/../k":                        {},
		"bkt/%zz":                         {},
		"bkt/k?versionId=":                {},
		"bkt/k?versionId=a/b":             {},
		"bkt/k?other=1":                   {},
		"bkt/k%3FversionId=1":             {},
		"bkt/k%3FversionId=1?versionId=2": {},
	} {
		got, err := ParseSource(header)
		if got != want || (err == nil) != (want != Source{}) {
			t.Errorf("%q reads as %+v, %v", header, got, err)
		}
		if err != nil {
			continue
		}
		if again, err := ParseSource(got.Header()); err != nil || again != got {
			t.Errorf("%q is written as %q, which reads as %+v, %v", header, got.Header(), again, err)
		}
	}
}
