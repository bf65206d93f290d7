package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
)

const deploy = "../../deploy/"

// commandLine has to be one that the program understands.
func commandLine(t *testing.T, where string, words []string) {
	t.Helper()
	p, err := parser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(words); err != nil {
		t.Errorf("%s: keyhatch %q: %v", where, words, err)
	}
}

// TestUnit: systemd takes the unit as it is, finds little that it exposes, and it starts what there is.
func TestUnit(t *testing.T) {
	t.Parallel()
	text := readDoc(t, deploy+"keyhatch.service")
	starts := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/keyhatch (.*)$`).FindStringSubmatch(text)
	if starts == nil {
		t.Fatal("it starts nothing")
	}
	commandLine(t, "ExecStart", strings.Fields(starts[1]))
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not there (run make test)")
	}
	// Where this is tried nothing is installed.
	text = strings.NewReplacer("/usr/local/bin/keyhatch ", "/bin/true ", "Documentation=man:keyhatch(1)\n", "").Replace(text)
	unit := filepath.Join(t.TempDir(), "keyhatch.service")
	if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// 1.2 of 10 is what is left: the network, and the user that it runs as.
	for _, words := range [][]string{{"verify", "--man=no", unit}, {"security", "--offline=true", "--threshold=15", "--no-pager", unit}} {
		if out, err := exec.Command(systemd, words...).CombinedOutput(); err != nil || words[0] == "verify" && len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("systemd-analyze %q: %v\n%s", words, err, out)
		}
	}
}

// TestDockerfile: what runs is one program that needs nothing, as nobody, in a folder that it can write to.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	var stage []string // the instructions of the last stage
	for line := range strings.Lines(readDoc(t, deploy+"Dockerfile")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "FROM ") {
			stage = nil
		} else if name, _, _ := strings.Cut(line, " "); !slices.Contains([]string{"ARG", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}, name) {
			t.Errorf("%s is no instruction that is used here", name)
		}
		stage = append(stage, line)
	}
	for _, want := range []string{
		"FROM gcr.io/distroless/static-debian12:nonroot", "USER 65532:65532", "WORKDIR /var/lib/keyhatch",
		"COPY --from=build /out/keyhatch /usr/local/bin/keyhatch", "COPY --from=build --chown=65532:65532 /out/state /var/lib/keyhatch",
		`ENTRYPOINT ["/usr/local/bin/keyhatch"]`,
	} {
		if !slices.Contains(stage, want) {
			t.Errorf("the image lacks %s", want)
		}
	}
	if slices.ContainsFunc(stage, func(l string) bool { return strings.HasPrefix(l, "RUN ") }) {
		t.Error("there is no shell in the image to run anything")
	}
	if !strings.Contains(readDoc(t, deploy+"Dockerfile"), "CGO_ENABLED=0 go build") {
		t.Error("there are no libraries in the image that C would need")
	}
	var words []string
	last, _ := strings.CutPrefix(stage[len(stage)-1], "CMD ")
	if err := yaml.Unmarshal([]byte(last), &words); err != nil {
		t.Fatal(err)
	}
	commandLine(t, "CMD", words)
}

// TestCompose: its servers share a database and a key, their configuration is one that serve takes, and they may
// take as long to stop as they need.
func TestCompose(t *testing.T) {
	t.Parallel()
	type service struct {
		Image   string
		Command []string
		Ports   []string
		Volumes []string
		Grace   string   `yaml:"stop_grace_period"`
		Sealed  bool     `yaml:"read_only"`
		Drops   []string `yaml:"cap_drop"`
	}
	var file struct {
		Services map[string]service
		Volumes  map[string]any
	}
	if err := yaml.Unmarshal([]byte(readDoc(t, deploy+"compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(file.Services)); !slices.Equal(got, []string{"init", "one", "postgresql", "two"}) {
		t.Fatalf("services %v", got)
	}
	c, err := config.Read(deploy + "keyhatch.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Database, "postgres://keyhatch@postgresql/keyhatch") {
		t.Errorf("the database is %s", c.Database)
	}
	if !strings.HasPrefix(c.KeyFile, "/var/lib/keyhatch/") || !strings.HasPrefix(c.DirectoryRoots[0], "/var/lib/keyhatch/") {
		t.Errorf("%s and %s are on no volume", c.KeyFile, c.DirectoryRoots[0])
	}
	for name, s := range file.Services {
		if name == "postgresql" {
			continue
		}
		grace, err := time.ParseDuration(s.Grace)
		if err != nil || grace < c.Drain+25*time.Second {
			t.Errorf("%s is killed after %s, and serves on for %s", name, s.Grace, c.Drain)
		}
		if !s.Sealed || !slices.Equal(s.Drops, []string{"ALL"}) || s.Image != "keyhatch" || !slices.Contains(s.Volumes, "state:/var/lib/keyhatch") ||
			!slices.Contains(s.Volumes, "./keyhatch.yaml:/etc/keyhatch/keyhatch.yaml:ro") {
			t.Errorf("%s: %+v", name, s)
		}
		if len(s.Command) > 0 {
			commandLine(t, name, s.Command)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s takes requests by plain HTTP from everywhere: %s", name, p)
			}
		}
	}
}
