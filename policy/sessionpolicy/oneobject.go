package sessionpolicy

import (
	"encoding/json"
	"strings"
)

// asLetters writes what means something in a policy as what it is.
var asLetters = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")

// ReadingObject is the session policy that lets one object be read, and nothing else be
// done.
func ReadingObject(bucket, key string) (string, error) {
	type statement struct{ Effect, Action, Resource string }
	text, err := json.Marshal(struct {
		Version   string
		Statement statement
	}{"2012-10-17", statement{"Allow", "s3:GetObject", "arn:aws:s3:::" + bucket + "/" + asLetters.Replace(key)}})
	return string(text), err
}
