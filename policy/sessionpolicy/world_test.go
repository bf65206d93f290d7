package sessionpolicy_test

import "pgregory.net/rapid"

// The world of the properties is small: its names are few, and beginnings of each
// other.
var (
	demoBuckets = []string{"demo", "demo", "demo2"}
	demoFolders = []string{"", "a/", "ab/", "b/"}
)

// question is one object, or one list of what begins with its key.
type question struct{ bucket, key string }

// questions are all there are, up to three folders deep.
func questions() []question {
	var out []question
	level := []string{""}
	for range 4 {
		var next []string
		for _, folder := range level {
			for _, bucket := range []string{"demo", "demo2"} {
				for _, name := range []string{"", "a", "x"} {
					out = append(out, question{bucket, folder + name})
				}
			}
			for _, below := range demoFolders[1:] {
				next = append(next, folder+below)
			}
		}
		level = next
	}
	return out
}

func pick[T any](t *rapid.T, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(t, label)
}
