// Package iamjson writes policies as IAM reads them, for sessions and for users of stores. What they
// say is for others to decide.
//
// Source: IAM User Guide, "Grammar of the IAM JSON policy language".
package iamjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Statement is one of a policy's.
type Statement struct {
	Effect      string
	Action      List
	Resource    List      `json:",omitempty"`
	NotResource List      `json:",omitempty"`
	Condition   Condition `json:",omitempty"`
}

// Condition is values by operators and keys.
type Condition map[string]map[string]List

// List is written without brackets when it has one element.
type List []string

// MarshalJSON implements json.Marshaler.
func (l List) MarshalJSON() ([]byte, error) {
	if len(l) == 1 {
		return encode(l[0])
	}
	return encode([]string(l))
}

// Document is the policy of the statements, in ASCII.
func Document(statements []Statement) string {
	said, err := encode(struct {
		Version   string
		Statement []Statement
	}{"2012-10-17", statements})
	if err != nil {
		panic(err) // texts always can be encoded
	}
	return ascii(string(said))
}

func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// ascii is JSON in ASCII: IAM takes no characters beyond Latin-1 in a policy, and
// nobody has to agree on how long others are. A blank is not written as one: it is
// sent as a plus, which Ceph takes for a plus.
func ascii(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r > ' ' && r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
