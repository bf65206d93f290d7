package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// snippets are how what "keyhatch lease --for-tool" prints is run by the tool that it
// is for. Those of spark and terraform have no line, see docs/renewal.md.
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

// shows is what each prints in the end: the name of a file of the sample data, or what
// tells that the tool has read it.
var shows = map[string]string{"gdal": `"driver": "PNG"`, "pyiceberg": "{'station': ['README.txt']}"}

// TestSnippetsInTheirTools: what is printed to be pasted works as it is, with the
// lease's own values and through a profile, in the tool that it is for.
func TestSnippetsInTheirTools(t *testing.T) {
	for _, s := range snippets {
		for _, output := range []string{"env", "profile"} {
			t.Run(s.tool+"-"+output, func(t *testing.T) {
				t.Parallel()
				p := start(t)
				u := newBorrower(t, p, "snippet-"+s.tool+"-"+output)
				// One of its own, where a table can be made.
				location := p.Location
				if s.tool == "pyiceberg" {
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
