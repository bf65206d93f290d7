package keyhatch_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/keyhatch/keyhatch"
)

// canary is a secret whose every third part betrays it, so that a cut or quoted
// one is found too.
const canary = keyhatch.Secret("hunter2correcthorse")

// leaks tells whether the canary can be read in s: plain, in hexadecimal of
// either case, or as the numbers of its bytes.
func leaks(s string) bool {
	secret := canary.Reveal()
	for _, form := range []string{
		secret[:5], secret[7:12], fmt.Sprintf("%x", secret[:5]), fmt.Sprintf("%X", secret[:5]),
		"104 117 110", "104  117  110", "0x68, 0x75",
	} {
		if strings.Contains(s, form) {
			return true
		}
	}
	return false
}

// holder is how a secret stands in the types of the module: in exported fields,
// lists, maps and behind pointers.
type holder struct {
	XMLName struct{} `json:"-" xml:"holder"`
	Name    string
	Secret  keyhatch.Secret
	Pointer *keyhatch.Secret
	List    []keyhatch.Secret
	Session keyhatch.Session
	Lent    keyhatch.Credentials
	Any     any
}

func newHolder() holder {
	c := canary
	return holder{
		Name: "holder", Secret: c, Pointer: &c, List: []keyhatch.Secret{c}, Session: keyhatch.Session{SecretKey: c},
		Lent: keyhatch.Credentials{SecretAccessKey: c, SessionToken: c}, Any: c,
	}
}

func TestLeaksFindsTheCanary(t *testing.T) {
	plain := canary.Reveal()
	for _, s := range []string{plain, fmt.Sprintf("%x", plain), fmt.Sprintf("% d", []byte(plain)), fmt.Sprintf("%#v", []byte(plain)), fmt.Sprintf("%.12q", plain)} {
		if !leaks(s) {
			t.Errorf("%s: not found", s)
		}
	}
}

// TestSecretNeverPrints tries every letter as a verb. %p and %w are missing:
// both are misuses that package fmt answers without asking the value.
func TestSecretNeverPrints(t *testing.T) {
	c := canary
	values := map[string]any{
		"secret": c, "pointer": &c, "struct": newHolder(), "pointer to struct": new(holder),
		"slice": []keyhatch.Secret{c}, "array": [1]keyhatch.Secret{c}, "map": map[string]keyhatch.Secret{"k": c},
		"map key": map[keyhatch.Secret]int{c: 1}, "any": []any{c}, "error": fmt.Errorf("with %s", c),
	}
	*values["pointer to struct"].(*holder) = newHolder()
	noVerb := strings.Clone("an argument too many")
	for name, v := range values {
		for verb := 'A'; verb <= 'z'; verb++ {
			if verb == 'p' || verb == 'w' {
				continue
			}
			for _, flags := range []string{"", "#", "+", "-", " ", "0", "30", ".40", "-30.40", "+#", "[1]"} {
				format := "%" + flags + string(verb)
				if out := fmt.Sprintf(format, v); leaks(out) {
					t.Errorf("%s as %s: %s", name, format, out)
				}
			}
		}
		for _, out := range []string{
			fmt.Sprint(v), fmt.Sprintln(v, v), fmt.Sprintf(noVerb, v),
			errors.Join(errors.New("x"), fmt.Errorf("y %v", v)).Error(),
		} {
			if leaks(out) {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
	if got := fmt.Sprint(c); got != "[redacted]" {
		t.Errorf("printed as %q", got)
	}
	if c.String() != "[redacted]" || c.Reveal() != "hunter2correcthorse" {
		t.Errorf("String %q, Reveal %q", c.String(), c.Reveal())
	}
}

func TestSecretNeverLogs(t *testing.T) {
	var out bytes.Buffer
	options := &slog.HandlerOptions{AddSource: true, Level: slog.LevelDebug}
	for name, handler := range map[string]slog.Handler{
		"text": slog.NewTextHandler(&out, options), "json": slog.NewJSONHandler(&out, options),
	} {
		out.Reset()
		h := newHolder()
		log := slog.New(handler).With("before", canary).WithGroup("group")
		log.Info("message", "secret", canary, "pointer", h.Pointer, "holder", h, "pointed", &h, "list", h.List,
			slog.Any("any", h.Any), slog.Group("inner", "secret", canary), "error", fmt.Errorf("a %q", canary))
		log.Debug(fmt.Sprint("in the message ", canary))
		if leaks(out.String()) {
			t.Errorf("%s: %s", name, &out)
		}
		if n := strings.Count(out.String(), "[redacted]"); n < 8 {
			t.Errorf("%s: only %d secrets are marked: %s", name, n, &out)
		}
	}
}

func TestSecretNeverEncodes(t *testing.T) {
	h := newHolder()
	for name, encode := range map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"text template": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := template.Must(template.New("").Parse(`{{.}} {{.Secret}} {{.Any}} {{printf "%s %q" .Secret .List}}`)).Execute(&b, v)
			return b.Bytes(), err
		},
		"html template": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := htmltemplate.Must(htmltemplate.New("").Parse(
				`{{.}}<a href="/?s={{.Secret}}" title={{.Any}}>{{.Secret}}</a><script>x = {{.Secret}}; y = {{.}}</script>`)).Execute(&b, v)
			return b.Bytes(), err
		},
	} {
		out, err := encode(h)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if leaks(string(out)) {
			t.Errorf("%s: %s", name, out)
		}
		if !strings.Contains(string(out), "redacted") {
			t.Errorf("%s shows no mark: %s", name, out)
		}
	}
	var attr bytes.Buffer
	err := xml.NewEncoder(&attr).Encode(struct {
		XMLName struct{}        `xml:"e"`
		S       keyhatch.Secret `xml:"s,attr"`
		T       keyhatch.Secret `xml:",chardata"`
	}{S: canary, T: canary})
	if err != nil || leaks(attr.String()) || strings.Count(attr.String(), "[redacted]") != 2 {
		t.Errorf("as an XML attribute and text: %s, %v", &attr, err)
	}
}

// TestSecretIsReadFromJSON: requests carry secrets in, only the way out is shut.
func TestSecretIsReadFromJSON(t *testing.T) {
	var in struct{ Secret keyhatch.Secret }
	if err := json.NewDecoder(io.LimitReader(strings.NewReader(`{"secret":"hunter2correcthorse"}`), 1024)).Decode(&in); err != nil {
		t.Fatal(err)
	}
	if in.Secret != canary {
		t.Errorf("read %q", in.Secret.Reveal())
	}
}
