package deliver_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/deliver"
)

// The default profile is often there. What is its own in it stays, which was
// overwritten, and it is found by either of its names: one that is spelled in the way
// of the others got a second section, and which of them counted was up to the client.
func TestDefaultProfile(t *testing.T) {
	p := alpha
	p.Name = "default"
	const of = "credential_process = /usr/bin/keyhatch lease s3://demo/alpha/ -o process\n"
	for before, after := range map[string]string{
		"[default]\noutput = json\n":                             "[default]\noutput = json\n" + of,
		"[default]\nregion = us-east-1\n":                        "[default]\nregion = us-east-1\n" + of,
		"[profile default]\noutput = json\n":                     "[profile default]\noutput = json\n" + of,
		"[profile \"default\"]\ns3 =\n  addressing_style=path\n": "[profile \"default\"]\ns3 =\n    addressing_style = path\n" + of,
		"[other]\n": "[default]\n" + of,
	} {
		got, err := write(t, before, p, false)
		if err != nil || !contains(got, after, "services = keyhatch-default", "[services keyhatch-default]") || strings.Count(got, "default]") > 2 {
			t.Errorf("%q: %v\n%s", before, err, got)
		}
		if again, err := write(t, got, p, false); err != nil || again != got {
			t.Errorf("%q, again: %v\n%s", before, err, again)
		}
	}
	for before, why := range map[string]string{
		"[default]\nregion = eu-1\noutput = json\n":         "a region of its own",
		"[profile default]\nregion = eu-1\noutput = json\n": "a region of its own",
		"[default]\nservices = mine\n":                      "services of its own",
		"[default]\ns3 =\n  addressing_style = virtual\n":   "addressing_style",
		"[default]\nsso_session = corp\n":                   "sso_session",
	} {
		got, err := write(t, before, p, false)
		var taken *deliver.TakenProfile
		if !errors.As(err, &taken) || !contains(err.Error(), why, "default") || got != before {
			t.Errorf("%q: %v\n%s", before, err, got)
		}
		got, err = write(t, before, p, true)
		if err != nil || !contains(got, of, "region = us-east-1\n", "services = keyhatch-default\n", "    addressing_style = path\n") || contains(got, "sso") {
			t.Errorf("%q, replaced: %v\n%s", before, err, got)
		}
	}
	both := "[default]\nregion = eu-1\n[profile default]\noutput = json\n"
	if got, err := write(t, both, p, true); err == nil || !contains(err.Error(), "[default]", "[profile default]", "remove one") || got != both {
		t.Errorf("%v\n%s", err, got)
	}
}

// A program knows what it wrote, whatever it is called and wherever it was: only one
// called keyhatch did.
func TestProfilesOfOurs(t *testing.T) {
	for name, program := range map[string]string{
		"another name": "/opt/kh-1.2", "a space": "/opt/my tools/kh", "a quote": "/opt/ada's/kh", "a backslash": `/opt/a\'b\c/kh`, "usual": "/usr/bin/keyhatch",
	} {
		p := alpha
		p.Command = append([]string{program}, alpha.Command[1:]...)
		wrote, err := write(t, "", p, false)
		if err != nil {
			t.Fatal(err)
		}
		p.Command = []string{program, "lease", "borrow", "beta", "--output=process"}
		if after, err := write(t, wrote, p, false); err != nil || !contains(after, "borrow beta") {
			t.Errorf("%s: %v\n%s", name, err, after)
		}
		moved := p
		moved.Command = []string{"/elsewhere/keyhatch-2", "lease", "borrow", "gamma", "--output=process"}
		wrote, err = write(t, "", p, false)
		if err != nil {
			t.Fatal(err)
		}
		if after, err := write(t, wrote, moved, false); err != nil || !contains(after, "/elsewhere/keyhatch-2 lease borrow gamma") {
			t.Errorf("%s, moved: %v\n%s", name, err, after)
		}
	}
}

// A name that nobody chose is for the first lease that gets it: the second one took it
// away without a word.
func TestProfileWithoutAName(t *testing.T) {
	first := alpha
	first.Unnamed = true
	wrote, err := write(t, "", first, false)
	if err != nil {
		t.Fatal(err)
	}
	same, other := first, first
	same.Command = []string{"/new/place/keyhatch", "lease", "borrow", "s3://demo/alpha/", "-o", "process"}
	if after, err := write(t, wrote, same, false); err != nil || !contains(after, "/new/place/keyhatch lease borrow s3://demo/alpha/") {
		t.Errorf("the same lease: %v\n%s", err, after)
	}
	other.Command = []string{"/usr/bin/keyhatch", "lease", "borrow", "s3://demo/beta/", "-o", "process"}
	after, err := write(t, wrote, other, false)
	var taken *deliver.TakenProfile
	if !errors.As(err, &taken) || !contains(err.Error(), "another lease") || after != wrote {
		t.Errorf("another lease: %v\n%s", err, after)
	}
	if after, err := write(t, wrote, other, true); err != nil || !contains(after, "s3://demo/beta/") || contains(after, "s3://demo/alpha/") {
		t.Errorf("another lease, replaced: %v\n%s", err, after)
	}
	other.Unnamed = false
	if after, err := write(t, wrote, other, false); err != nil || !contains(after, "s3://demo/beta/") {
		t.Errorf("another lease, by its name: %v\n%s", err, after)
	}
}

// A profile that is not ours is changed only when told, and then is ours alone.
func TestProfilesOfOthers(t *testing.T) {
	for before, why := range map[string]string{
		"[profile alpha]\ncredential_process = /bin/other lease\n":                                 "is not keyhatch",
		"[profile alpha]\ncredential_process = /opt/keyhatch/other\n":                              "is not keyhatch",
		"[profile alpha]\nregion = eu-1\n":                                                         "did not write it",
		"[profile alpha]\nrole_arn = arn\nsource_profile = x\n" + olderAlpha + "\n":                "role_arn",
		"[profile alpha]\n" + olderAlpha + "\naws_access_key_id = AKIA\naws_secret_access_key=x\n": "aws_access_key_id",
		"[profile alpha]\nsso_session = s\nsso_account_id = 1\n":                                   "sso_",
		"[profile alpha]\n" + olderAlpha + "\nignore_configured_endpoint_urls = true\n":            "ignore_configured",
		"[profile alpha]\n" + olderAlpha + "\nservices = other\n":                                  "services of its own",
		"[profile alpha]\ncredential_process = other keyhatch lease x --output=process\n":          "is not keyhatch",
	} {
		after, err := write(t, before, alpha, false)
		var taken *deliver.TakenProfile
		if !errors.As(err, &taken) || !contains(err.Error(), why, "alpha") || after != before {
			t.Errorf("%q: %v\n%s", before, err, after)
		}
		after, err = write(t, before, alpha, true)
		if err != nil || !contains(after, alphaServices, "credential_process = /usr/bin/keyhatch") ||
			contains(after, "other") || contains(after, "AKIA") || contains(after, "arn") || contains(after, "sso") || contains(after, "ignore") {
			t.Errorf("%q, replaced: %v\n%s", before, err, after)
		}
	}
	for _, before := range []string{"[profile alpha]\n[profile alpha]\n", "[services keyhatch-alpha]\n[services  keyhatch-alpha]\n"} {
		if after, err := write(t, before, alpha, true); err == nil || after != before {
			t.Errorf("%q: %v\n%s", before, err, after)
		}
	}
}
