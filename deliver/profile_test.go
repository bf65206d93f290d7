package deliver_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/deliver"
)

var alpha = deliver.Profile{
	Name: "alpha", Command: []string{"/usr/bin/keyhatch", "lease", "s3://demo/alpha/", "-o", "process"},
	Endpoint: "https://s3.example.org", Region: "us-east-1",
}

const (
	alphaProfile = `[profile alpha]
credential_process = /usr/bin/keyhatch lease s3://demo/alpha/ -o process
region = us-east-1
services = keyhatch-alpha
s3 =
    addressing_style = path
`
	alphaServices = `[services keyhatch-alpha]
s3 =
    endpoint_url = https://s3.example.org
`
	olderAlpha = `credential_process = "/opt/old place/keyhatch" lease`
)

// write writes a profile into a file that has a text, and returns what it has then.
func write(t *testing.T, before string, p deliver.Profile, replace bool) (after string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	err = deliver.WriteProfile(file, filepath.Join(t.TempDir(), "none"), p, replace)
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return string(text), err
}

func TestProfileIsWrittenAndTheRestKept(t *testing.T) {
	for name, c := range map[string]struct{ before, after string }{
		"nothing": {"", alphaProfile + "\n" + alphaServices},
		"others": {
			"# mine\n[default]\nregion=eu-1\n\n[ profile  \"x y\" ] ; odd\noutput : json\n",
			"# mine\n[default]\nregion=eu-1\n\n[ profile  \"x y\" ] ; odd\noutput : json\n\n" + alphaProfile + "\n" + alphaServices,
		},
		"no end of line": {"[default]", "[default]\n\n" + alphaProfile + "\n" + alphaServices},
		"itself":         {alphaProfile + "\n" + alphaServices, alphaProfile + "\n" + alphaServices},
		"an older one of ours, with more in it": {
			"[profile alpha]\noutput = json\n" + olderAlpha + "\ns3 =\n  max_concurrent_requests = 3\n  Addressing_Style = virtual\n" +
				"# a note\ncli_pager =\n\n# about b\n[profile b]\nregion = eu-1\n[services keyhatch-alpha]\nsts =\n  endpoint_url = http://sts\ns3 =\n  endpoint_url = http://old\n",
			"[profile alpha]\noutput = json\ncredential_process = /usr/bin/keyhatch lease s3://demo/alpha/ -o process\ns3 =\n  max_concurrent_requests = 3\n    addressing_style = path\n" +
				"# a note\ncli_pager =\nregion = us-east-1\nservices = keyhatch-alpha\n\n# about b\n[profile b]\nregion = eu-1\n[services keyhatch-alpha]\nsts =\n  endpoint_url = http://sts\ns3 =\n    endpoint_url = https://s3.example.org\n",
		},
		"a value on the line of s3": {
			"[profile alpha]\n" + olderAlpha + "\ns3 =\n\n    use_dualstack_endpoint = false\n",
			"[profile alpha]\ncredential_process = /usr/bin/keyhatch lease s3://demo/alpha/ -o process\ns3 =\n    addressing_style = path\n\n    use_dualstack_endpoint = false\n" +
				"region = us-east-1\nservices = keyhatch-alpha\n\n" + alphaServices,
		},
		"lines of Windows": {
			"[default]\r\nregion=eu-1\r\n",
			strings.ReplaceAll("[default]\nregion=eu-1\n\n"+alphaProfile+"\n"+alphaServices, "\n", "\r\n"),
		},
		"names that only look alike": {
			"[alpha]\nregion = a\n[profile alpha2]\nregion = b\n[profile x]\nk = 1\n [profile alpha]\n",
			"[alpha]\nregion = a\n[profile alpha2]\nregion = b\n[profile x]\nk = 1\n [profile alpha]\n",
		},
	} {
		after, err := write(t, c.before, alpha, false)
		if name == "names that only look alike" {
			// botocore takes the indented one for a value, others for a section: hands off.
			var taken *deliver.TakenProfile
			if !errors.As(err, &taken) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.after, after); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What the other file says of a profile wins over what the profile says: keys and other
// sources over the command, and what would have the lease sent to Amazon.
func TestKeysInTheCredentialsFile(t *testing.T) {
	for _, name := range []string{
		"aws_access_key_id", "aws_session_token", "role_arn", "sso_session", "web_identity_token_file", "credential_process",
		"region", "services", "endpoint_url", "s3", "ignore_configured_endpoint_urls",
	} {
		folder := t.TempDir()
		config, keys := filepath.Join(folder, "config"), filepath.Join(folder, "credentials")
		if err := os.WriteFile(keys, []byte("[alpha]\n"+name+" = x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := deliver.WriteProfile(config, keys, alpha, true)
		var taken *deliver.TakenProfile
		if !errors.As(err, &taken) || !contains(taken.Why, name, keys) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(config); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the profile is written all the same", name)
		}
	}
	folder := t.TempDir()
	keys := filepath.Join(folder, "credentials")
	if err := os.WriteFile(keys, []byte("[beta]\naws_access_key_id=A\n[alpha]\naws_access_key_id=B\n[gamma]\nx=y\n[epsilon]\ncredential_process=other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, free := range map[string]bool{"alpha": false, "beta": false, "gamma": true, "delta": true, "epsilon": false} {
		p := alpha
		p.Name = name
		err := deliver.WriteProfile(filepath.Join(folder, "config"), keys, p, true)
		var taken *deliver.TakenProfile
		if (err == nil) != free || !free && !errors.As(err, &taken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfilesThatWouldBreakTheFile(t *testing.T) {
	for what, change := range map[string]func(*deliver.Profile){
		"no name":                func(p *deliver.Profile) { p.Name = "" },
		"a bracket":              func(p *deliver.Profile) { p.Name = "a]b" },
		"an opening bracket":     func(p *deliver.Profile) { p.Name = "[a" },
		"a line":                 func(p *deliver.Profile) { p.Name = "a\nb" },
		"a space":                func(p *deliver.Profile) { p.Name = "a b" },
		"a long name":            func(p *deliver.Profile) { p.Name = strings.Repeat("a", 129) },
		"no command":             func(p *deliver.Profile) { p.Command = nil },
		"a line in the command":  func(p *deliver.Profile) { p.Command = []string{"keyhatch", "a\nb = c"} },
		"a comment in it":        func(p *deliver.Profile) { p.Command = []string{"keyhatch", "a #b"} },
		"a line in the endpoint": func(p *deliver.Profile) { p.Endpoint = "http://h\n[x]" },
		"a line in the region":   func(p *deliver.Profile) { p.Region = "a\nb" },
		"no region":              func(p *deliver.Profile) { p.Region = "" },
	} {
		p := alpha
		change(&p)
		if after, err := write(t, "[default]\n", p, true); err == nil || after != "[default]\n" {
			t.Errorf("%s: %v\n%s", what, err, after)
		}
	}
}

func TestConfigFileKeepsItsPlaceAndMode(t *testing.T) {
	if isWindows() {
		return
	}
	home := t.TempDir()
	file := filepath.Join(home, "new", "config")
	if err := deliver.WriteProfile(file, home+"/none", alpha, false); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s is made with %v, want %v (%v)", path, info.Mode(), mode, err)
		}
	}
	// Where it is a link, also to nothing yet, what it leads to is written.
	target, link, chain, later := home+"/dotfiles/aws", home+"/link", home+"/chain", home+"/later"
	if err := errors.Join(os.Mkdir(home+"/dotfiles", 0o755), os.WriteFile(target, []byte("[default]\n"), 0o640), os.Chmod(target, 0o640),
		os.Symlink("dotfiles/aws", link), os.Symlink(link, chain), os.Symlink("dotfiles/later", later)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{chain, later} {
		if err := deliver.WriteProfile(f, home+"/none", alpha, false); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(f); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more", f)
		}
	}
	for path, mode := range map[string]os.FileMode{target: 0o640, home + "/dotfiles/later": 0o600} {
		text, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || !contains(string(text), alphaProfile) || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v\n%s", path, err, info.Mode(), text)
		}
	}
	// A loop leads nowhere; what fails leaves nothing.
	if err := errors.Join(os.Symlink(home+"/b", home+"/a"), os.Symlink(home+"/a", home+"/b")); err != nil {
		t.Fatal(err)
	}
	if err := deliver.WriteProfile(home+"/a", home+"/none", alpha, false); err == nil {
		t.Error("a loop of links is a file")
	}
}

// Writers that come together lose nothing of one another.
func TestParallelWritersLoseNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	var all sync.WaitGroup
	const many = 20
	for i := range many {
		all.Go(func() {
			p := alpha
			p.Name = fmt.Sprintf("p%d", i)
			if err := deliver.WriteProfile(file, file+"-none", p, false); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		for _, section := range []string{"[profile p%d]\n", "[services keyhatch-p%d]\n"} {
			if n := strings.Count(string(text), fmt.Sprintf(section, i)); n != 1 {
				t.Errorf("%d times "+section, n, i)
			}
		}
	}
}

// A command is split by a shell as it was joined.
func TestCommandsSurviveTheShell(t *testing.T) {
	if isWindows() {
		return // it has no POSIX shell
	}
	command := []string{"printf", `%s|`, "plain", "two words", "it's", `"double"`, `back\slash`, "$HOME `id` $(id)", "*", "~", "", "a;b&c|d<e>f", "größe"}
	p := alpha
	p.Command = command
	after, err := write(t, "", p, false)
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(after, "credential_process = ")
	line, _, _ = strings.Cut(line, "\n")
	out, err := exec.Command("sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if diff := cmp.Diff(strings.Join(command[2:], "|")+"|", string(out)); diff != "" {
		t.Errorf("%s (-joined +split):\n%s", line, diff)
	}
}

// FuzzProfile: whatever a file holds, a profile is written so that it is found again,
// and no line of others is lost.
func FuzzProfile(f *testing.F) {
	for _, seed := range []string{"", "[default]\nregion=x", alphaProfile, alphaProfile + alphaServices, "[profile alpha]\ns3 =\n a = b\n\n c=d\n#e\n[x]\r\n", "\ufeff[profile alpha]", "[", "]=[", "=\n =\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, before string) {
		after, err := alpha.Into(before)
		if err != nil {
			return
		}
		again, err := alpha.Into(after)
		if err != nil || again != after {
			t.Fatalf("a second time: %v\n%q\n%q", err, after, again)
		}
		rest, value := after, false
		for line := range strings.Lines(before) {
			line = strings.TrimSuffix(line, "\n")
			indented := strings.TrimLeft(line, " \t") != line || strings.TrimSpace(line) == ""
			value = mine(line) || value && indented // one that is replaced, with its further lines
			if value {
				continue
			}
			at := strings.Index(rest, line)
			if at < 0 {
				t.Fatalf("the line %q is lost or out of place in\n%q\nwhich was\n%q", line, after, before)
			}
			rest = rest[at+len(line):]
		}
	})
}

// mine tells whether a line may be replaced.
func mine(line string) bool {
	name, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(line, ":", "=")), "=")
	switch strings.TrimSpace(name) {
	case "credential_process", "region", "services", "addressing_style", "endpoint_url":
		return true
	}
	return false
}
