package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// snippets are how what "keyhatch lease --for-tool" prints is run by the tool that it
// is for.
var snippets = []struct {
	tool string
	run  func(t *testing.T, u borrower, snippet string) *exec.Cmd
}{
	{"boto3", inPython("KEYHATCH_PYTHON", "python3 with boto3", "")},
	{"duckdb", func(t *testing.T, u borrower, snippet string) *exec.Cmd {
		cmd := u.command(t, program(t, "KEYHATCH_PYTHON", "python3 with duckdb"), "-B", testdataFile(t, "snippet_duckdb.py"))
		cmd.Stdin = strings.NewReader(snippet)
		return cmd
	}},
	{"gdal", func(t *testing.T, u borrower, snippet string) *exec.Cmd {
		// rasterio's program for gdalinfo, which comes with GDAL. It warns of a picture that
		// is of no place on Earth.
		python := program(t, "KEYHATCH_S3FS_PYTHON", "python3 with rasterio")
		return u.command(t, "/bin/sh", "-euc", snippet+"\nPYTHONWARNINGS=default "+filepath.Join(filepath.Dir(python), "rio")+" info /vsis3/"+u.bucket+"/"+u.own+"map.png")
	}},
	{"rclone", func(t *testing.T, u borrower, snippet string) *exec.Cmd {
		u.env = append(u.env, "RCLONE_CONFIG="+writeSettings(t, u.home, "rclone.conf"))
		u.env = append(u.env, "PATH="+filepath.Dir(program(t, "KEYHATCH_RCLONE", "rclone"))+":/usr/bin:/bin")
		return u.command(t, "/bin/sh", "-euc", snippet)
	}},
	{"s3fs", inPython("KEYHATCH_S3FS_PYTHON", "python3 with s3fs", "")},
	{"pyiceberg", inPython("KEYHATCH_S3FS_PYTHON", "python3 with pyiceberg", "snippet_pyiceberg.py")},
	{"spark", inSpark},
	{"terraform", inTofu},
}

// inPython runs a snippet, and a script after it, if there is one.
func inPython(variable, what, after string) func(*testing.T, borrower, string) *exec.Cmd {
	return func(t *testing.T, u borrower, snippet string) *exec.Cmd {
		python := program(t, variable, what)
		if after != "" {
			text, err := os.ReadFile(testdataFile(t, after))
			if err != nil {
				t.Fatal(err)
			}
			snippet += string(text)
		}
		return u.command(t, python, "-B", "-c", snippet)
	}
}

// inSpark runs a snippet in a Spark of its own, on this machine. What it has Spark get
// from Maven Central is there.
func inSpark(t *testing.T, u borrower, snippet string) *exec.Cmd {
	python := program(t, "KEYHATCH_SPARK_PYTHON", "python3 with pyspark")
	settings := "spark.jars.ivy " + os.Getenv("KEYHATCH_SPARK_JARS") + `
spark.master local[1]
spark.ui.enabled false
spark.driver.host 127.0.0.1
spark.local.dir ` + u.home + "\n"
	if err := os.WriteFile(filepath.Join(u.home, "spark-defaults.conf"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	u.env = append(u.env, "JAVA_HOME="+os.Getenv("KEYHATCH_JAVA_HOME"), "SPARK_CONF_DIR="+u.home,
		// Its work is little: more threads, and better machine code, cost more than they bring.
		"JAVA_TOOL_OPTIONS=-Duser.home="+u.home+" -Djava.io.tmpdir="+u.home+" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
	return u.command(t, python, "-B", "-c", snippet)
}

// inTofu has OpenTofu keep the state of something in a location, which a second run
// reads back, and finds that nothing is to be done.
func inTofu(t *testing.T, u borrower, snippet string) *exec.Cmd {
	tofu := program(t, "KEYHATCH_TOFU", "OpenTofu")
	config := snippet + "\nresource \"terraform_data\" \"kept\" {\n  input = \"something\"\n}\n"
	if err := os.WriteFile(filepath.Join(u.home, "main.tf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	script := tofu + " init -no-color && " + tofu + " apply -no-color -auto-approve && rm -r .terraform && " +
		tofu + " init -no-color && " + tofu + " state list && " + tofu + " plan -no-color -detailed-exitcode"
	return u.command(t, "/bin/sh", "-euc", script)
}

// shows is what each prints in the end: the name of a file of the sample data, or what
// tells that the tool has read it.
var shows = map[string]string{
	"gdal": `"driver": "PNG"`, "pyiceberg": "{'station': ['README.txt']}", "terraform": "terraform_data.kept\n",
	"spark": "s3a://demo/alpha/", // the longest twenty, which may be other tests'
}

// ownPlace are the tools that write, each somewhere of its own.
var ownPlace = []string{"pyiceberg", "terraform"}

// TestEverySnippetIsRun finds none that no tool runs here: keyhatch tells which it has
// when it is asked for one that there is not.
func TestEverySnippetIsRun(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "lease", "alpha", "--for-tool", "none").CombinedOutput()
	if err == nil {
		t.Fatalf("there is a snippet for a tool that there is not:\n%s", out)
	}
	_, list, _ := strings.Cut(string(out), "must be one of ")
	var all, run []string
	for _, name := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(strings.Split(list, " but ")[0], -1) {
		all = append(all, name[1])
	}
	for _, s := range snippets {
		run = append(run, s.tool)
	}
	slices.Sort(all)
	slices.Sort(run)
	if !slices.Equal(run, all) {
		t.Errorf("run are %v, of %v:\n%s", run, all, out)
	}
}

// TestSnippetsInTheirTools: what is printed to be pasted works as it is, with the
// lease's own values and through a profile, in the tool that it is for.
func TestSnippetsInTheirTools(t *testing.T) {
	for _, s := range snippets {
		for _, output := range []string{"env", "profile"} {
			t.Run(s.tool+"-"+output, func(t *testing.T) {
				t.Parallel()
				p := start(t)
				u := newBorrower(t, p, "snippet-"+s.tool+"-"+output)
				location := p.Location
				if slices.Contains(ownPlace, s.tool) {
					location += u.token + "/"
				}
				snippet := u.must(t, u.command(t, u.keyhatch, "lease", location, "--access", "write", "--for-tool", s.tool, "-o", output))
				cmd := s.run(t, u, snippet)
				want := shows[s.tool]
				if want == "" {
					want = "README.txt"
				}
				out, err := u.run(t, cmd).result()
				if err != nil || !strings.Contains(out, want) {
					t.Errorf("%v, want %s:\n%s", err, want, out)
				}
			})
		}
	}
}
