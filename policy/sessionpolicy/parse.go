package sessionpolicy

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/keyhatch/keyhatch"
)

// MaxLength bounds a session policy, in characters.
//
// Source: AWS STS API reference, AssumeRole, parameter Policy.
const MaxLength = 2048

// Parse reads a session policy: a JSON object with the Version
// "2012-10-17" and one or more statements, each with
//
//   - Effect, "Allow" or "Deny", and maybe a Sid, which means nothing;
//   - Action, one or a list: "*" or what begins with "s3:", with the wildcards "*"
//     and "?", in any case;
//   - Resource, one or a list: "*" or what begins with "arn:aws:s3:::",
//     "arn:aws-cn:s3:::" or "arn:aws-us-gov:s3:::" and names a bucket or objects,
//     with wildcards and the escapes ${*}, ${?} and ${$};
//   - maybe Condition: StringEquals, StringNotEquals, StringLike or StringNotLike
//     on s3:prefix and s3:delimiter.
//
// All else is refused with what it is (keyhatch.Invalid): other elements, operators
// and condition keys, policy variables, an element that comes twice, and more than
// MaxLength characters.
//
// Source: IAM User Guide, "IAM JSON policy element reference".
func Parse(text string) (Policy, error) {
	if len(text) > MaxLength*utf8.UTFMax || utf8.RuneCountInString(text) > MaxLength {
		return Policy{}, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodePolicyTooLarge,
			"a session policy has at most %d characters", MaxLength).In("policy")
	}
	// encoding/json puts other characters for what is no UTF-8, and does not mind.
	if !utf8.ValidString(text) || !json.Valid([]byte(text)) {
		return Policy{}, badPolicy("it must be one JSON object, in UTF-8")
	}
	p := Policy{}
	r := &reader{dec: json.NewDecoder(strings.NewReader(text))}
	versioned := false
	err := r.object("the policy", func(name string) error {
		switch name {
		case "Version":
			versioned = true
			version, err := r.string("Version")
			if err == nil && version != "2012-10-17" {
				err = badPolicy(`Version must be "2012-10-17"`)
			}
			return err
		case "Statement":
			return r.oneOrMore("Statement", func() error {
				s, err := r.statement()
				p.statements = append(p.statements, s)
				return err
			})
		}
		return badPolicy("beside Version and Statement it has an element that is not understood")
	})
	switch {
	case err != nil:
		return Policy{}, err
	case !versioned:
		return Policy{}, badPolicy(`it needs the Version "2012-10-17"`)
	case len(p.statements) == 0:
		return Policy{}, badPolicy("it needs a Statement")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return Policy{}, badPolicy("it cannot be read").Because(err)
	}
	p.text = compact.String()
	return p, nil
}

func badPolicy(what string) *keyhatch.Error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidPolicy, "the session policy is not understood: %s", what).In("policy")
}

// reader reads JSON that is known to be valid, no deeper than a policy goes.
type reader struct{ dec *json.Decoder }

// token is the next one; at the end, which valid JSON does not come to inside of
// anything, nil.
func (r *reader) token() json.Token {
	t, _ := r.dec.Token()
	return t
}

// object reads an object: read is called at each value and must read it.
func (r *reader) object(what string, read func(name string) error) error {
	if r.token() != json.Delim('{') {
		return badPolicy(what + " must be an object")
	}
	return r.members(what, read)
}

// members reads on behind an object's brace.
func (r *reader) members(what string, read func(name string) error) error {
	seen := map[string]bool{}
	for r.dec.More() {
		name, _ := r.token().(string)
		if seen[name] {
			return badPolicy("an element of " + what + " comes twice")
		}
		seen[name] = true
		if err := read(name); err != nil {
			return err
		}
	}
	r.token()
	return nil
}

// oneOrMore reads an object, or a list of them that is not empty. read is called
// behind each one's brace.
func (r *reader) oneOrMore(what string, read func() error) error {
	switch r.token() {
	case json.Delim('{'):
		return read()
	case json.Delim('['):
		for n := 0; r.dec.More(); n++ {
			if r.token() != json.Delim('{') {
				return badPolicy(what + " must be an object or a list of objects")
			}
			if err := read(); err != nil {
				return err
			}
		}
		r.token()
		return nil
	}
	return badPolicy(what + " must be an object or a list of objects")
}

func (r *reader) string(what string) (string, error) {
	s, ok := r.token().(string)
	if !ok {
		return "", badPolicy(what + " must be a string")
	}
	return s, checkPolicyText(what, s)
}

// strings reads a string, or a list of strings that is not empty.
func (r *reader) strings(what string) ([]string, error) {
	switch t := r.token().(type) {
	case string:
		return []string{t}, checkPolicyText(what, t)
	case json.Delim:
		if t != '[' {
			break
		}
		var out []string
		for r.dec.More() {
			s, err := r.string("each " + what)
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
		r.token()
		if len(out) == 0 {
			return nil, badPolicy(what + " must not be empty")
		}
		return out, nil
	}
	return nil, badPolicy(what + " must be a string or a list of strings")
}

// checkPolicyText refuses what a broken escape has become.
func checkPolicyText(what, s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return badPolicy(what + " holds a character that cannot be read")
	}
	return nil
}

// statement reads a statement behind its brace.
func (r *reader) statement() (s statement, err error) {
	effect := ""
	err = r.members("a statement", func(name string) (err error) {
		switch name {
		case "Sid":
			_, err = r.string("Sid")
		case "Effect":
			if effect, err = r.string("Effect"); err == nil && effect != "Allow" && effect != "Deny" {
				err = badPolicy(`Effect must be "Allow" or "Deny"`)
			}
		case "Action":
			s.actions, err = patterns(r, "Action", newAction)
		case "Resource":
			s.resources, err = patterns(r, "Resource", newResource)
		case "Condition":
			s.conditions, err = r.conditions()
		case "NotAction", "NotResource", "Principal", "NotPrincipal":
			err = badPolicy("it uses " + name)
		default:
			err = badPolicy("a statement has an element that is none of Sid, Effect, Action, Resource and Condition")
		}
		return err
	})
	if err == nil && (effect == "" || s.actions == nil || s.resources == nil) {
		err = badPolicy("a statement needs Effect, Action and Resource")
	}
	s.deny = effect == "Deny"
	return s, err
}

// patterns reads one or more strings and makes a pattern of each.
func patterns(r *reader, what string, make func(string) (pattern, error)) ([]pattern, error) {
	texts, err := r.strings(what)
	if err != nil {
		return nil, err
	}
	var out []pattern
	for _, text := range texts {
		p, err := make(text)
		if err != nil {
			return nil, err
		}
		if !p.searchable() {
			return nil, badPolicy("between two * there may be so many characters with a ? only up to 100")
		}
		out = append(out, p)
	}
	return out, nil
}

func newAction(text string) (pattern, error) {
	text = strings.ToLower(text)
	name, isS3 := strings.CutPrefix(text, "s3:")
	letters := strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789*?") == ""
	if text != "*" && (!isS3 || name == "" || !letters) {
		return nil, badPolicy(`an Action must be "*", or "s3:" and a name, maybe with * and ?`)
	}
	return wildcards(text)
}

// arns begin the resources of S3, in all partitions.
var arns = []string{"arn:aws:s3:::", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3:::"}

func newResource(text string) (pattern, error) {
	if text == "*" {
		return wildcards(text)
	}
	for _, arn := range arns {
		if what, ok := strings.CutPrefix(text, arn); ok && what != "" {
			return wildcards(what)
		}
	}
	return nil, badPolicy(`a Resource must be "*", or "arn:aws:s3:::" (or that of aws-cn or aws-us-gov) with a bucket or objects behind it`)
}

// conditionOperators are those that are understood.
var conditionOperators = map[string]struct{ not, like bool }{
	"StringEquals":    {false, false},
	"StringNotEquals": {true, false},
	"StringLike":      {false, true},
	"StringNotLike":   {true, true},
}

func (r *reader) conditions() (out []condition, err error) {
	err = r.object("Condition", func(operator string) error {
		op, ok := conditionOperators[operator]
		if !ok {
			return badPolicy("a Condition uses another operator than StringEquals, StringNotEquals, StringLike and StringNotLike")
		}
		compared := map[string]bool{}
		return r.object("a condition", func(key string) error {
			key = strings.ToLower(key) // as IAM does with keys
			if key != prefixKey && key != delimiterKey {
				return badPolicy("a Condition is on another key than s3:prefix and s3:delimiter")
			}
			if compared[key] {
				return badPolicy("a Condition has a key twice")
			}
			compared[key] = true
			read := literal
			if op.like {
				read = wildcards
			}
			values, err := patterns(r, "a condition's value", read)
			out = append(out, condition{not: op.not, key: key, values: values})
			return err
		})
	})
	return out, err
}

// wildcards reads text with "*", "?" and the escapes ${*}, ${?} and ${$}.
func wildcards(text string) (pattern, error) { return unescape(text, true) }

// literal reads text in which "*" and "?" stand for themselves, and the escapes
// too.
func literal(text string) (pattern, error) { return unescape(text, false) }

func unescape(text string, wild bool) (pattern, error) {
	var out []rune
	var isWild []bool
	rest := []rune(text)
	for len(rest) > 0 {
		c := rest[0]
		if c == '$' && len(rest) > 1 && rest[1] == '{' {
			if len(rest) < 4 || !strings.ContainsRune("*?$", rest[2]) || rest[3] != '}' {
				return nil, badPolicy("it uses a policy variable: of ${…} only ${*}, ${?} and ${$} are understood")
			}
			out, isWild, rest = append(out, rest[2]), append(isWild, false), rest[4:]
			continue
		}
		out, isWild, rest = append(out, c), append(isWild, wild && (c == '*' || c == '?')), rest[1:]
	}
	return newPattern(out, isWild), nil
}
