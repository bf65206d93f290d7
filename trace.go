package keyhatch

import (
	"regexp"
	"strings"
)

// Trace is a traceparent header, which tells of what larger trace a request is a part. It holds
// nothing but hexadecimal digits and hyphens; empty: there is none.
//
// Source: W3C Trace Context, section 3.2.
type Trace string

// traceparent is version 00; what a later version has behind that is not taken.
var traceparent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// ParseTrace reads the header's values. What breaks the rules is as good as none: so the standard
// wants it, and what is written into logs must not be anybody's choice.
func ParseTrace(values []string) Trace {
	if len(values) != 1 || !traceparent.MatchString(values[0]) {
		return ""
	}
	parts := strings.Split(values[0], "-")
	if strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == "" {
		return ""
	}
	return Trace(values[0])
}

// ID is that of the whole trace, 32 hexadecimal digits.
func (t Trace) ID() string {
	if t == "" {
		return ""
	}
	return string(t[3:35])
}
