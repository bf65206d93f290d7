package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// goTest writes a module of the given files, runs the real go test -json on it,
// and gives its stream. The real thing, because what go says when a build or a
// process breaks is no fixed format and has changed between releases.
func goTest(t *testing.T, files map[string]string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stream := goTestIn(t, dir, args...)
	if stream == "" {
		t.Fatal("go test -json printed nothing")
	}
	return stream
}

func goTestIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Its exit status is the thing under test: it must follow from the stream.
	_ = cmd.Run()
	if stderr.Len() > 0 {
		t.Logf("go test says: %s", stderr.String())
	}
	return stdout.String()
}

// reportOn runs the program on a stream.
func reportOn(t *testing.T, stream string, args ...string) (out string, status int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(args, strings.NewReader(stream), &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Fatalf("testreport says on standard error: %s", stderr.String())
	}
	return stdout.String(), status
}

func lastLine(out string) string {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	return lines[len(lines)-1]
}

// expect checks the two things that machines read, then what people do.
func expect(t *testing.T, out string, status int, wantLast string, wantStatus int, wantText ...string) {
	t.Helper()
	if got := lastLine(out); got != wantLast {
		t.Errorf("last line is %q, want %q", got, wantLast)
	}
	if status != wantStatus {
		t.Errorf("exit status is %d, want %d", status, wantStatus)
	}
	for _, text := range wantText {
		if !strings.Contains(out, text) {
			t.Errorf("the report does not say %q", text)
		}
	}
	if t.Failed() {
		t.Logf("the report:\n%s", out)
	}
}

func TestRealRuns(t *testing.T) {
	const good = "package a\nimport \"testing\"\nfunc TestGood(t *testing.T) {}\n"
	tests := []struct {
		name   string
		files  map[string]string
		args   []string
		last   string
		status int
		text   []string
		absent string
	}{
		{
			name:  "all pass",
			files: map[string]string{"a/a_test.go": good, "none/none.go": "package none\n"},
			last:  "1 passed, 0 failed, 0 skipped",
			text:  []string{"ok    m/a  1 test", "-     m/none  no tests", "1 test ran in 1 package\n"},
		},
		{
			name: "a failure shows its own output and no other",
			files: map[string]string{"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) { t.Log("quiet") }
func TestBad(t *testing.T) { t.Log("before"); t.Error("wrong") }
`},
			last: "1 passed, 1 failed, 0 skipped", status: 1,
			text:   []string{"FAIL  m/a TestBad (", "before\n", "wrong\n", "FAIL  m/a  2 tests, 1 failed", "failed:\n    m/a TestBad\n"},
			absent: "quiet",
		},
		{
			name: "subtests are counted, the test that holds them is not",
			files: map[string]string{"a/a_test.go": `package a
import "testing"
func TestTree(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("a/b", func(t *testing.T) { t.Error("wrong") })
	t.Run("left", func(t *testing.T) { t.Skip("needs a thing") })
}
`},
			last: "1 passed, 1 failed, 1 skipped", status: 1,
			text: []string{"FAIL  m/a TestTree/a/b (", "left out:\n  1 test: needs a thing\n    m/a TestTree/left\n"},
		},
		{
			name: "a test that fails on its own after good subtests",
			files: map[string]string{"a/a_test.go": `package a
import "testing"
func TestTree(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Error("the whole is wrong")
}
`},
			last: "1 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"FAIL  m/a TestTree (", "the whole is wrong"},
		},
		{
			name: "examples and fuzz seeds are tests",
			files: map[string]string{"a/a_test.go": `package a
import ("fmt"; "testing")
func Example() {
	fmt.Println("said")
	// Output: meant
}
func FuzzSeeds(f *testing.F) {
	f.Add("good")
	f.Add("bad")
	f.Fuzz(func(t *testing.T, s string) { if s == "bad" { t.Error("wrong seed") } })
}
`},
			last: "1 passed, 2 failed, 0 skipped", status: 1,
			text: []string{"FAIL  m/a Example (", "meant", "FAIL  m/a FuzzSeeds/seed#1 (", "wrong seed"},
		},
		{
			name:  "a package that does not build",
			files: map[string]string{"a/a_test.go": good, "b/b_test.go": "package b\nimport \"testing\"\nfunc TestB(t *testing.T) { missing() }\n"},
			last:  "1 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"FAIL  m/b (does not build)", "undefined: missing", "failed:\n    m/b (does not build)\n"},
		},
		{
			name:  "a package that vet refuses",
			files: map[string]string{"b/b_test.go": "package b\nimport (\"fmt\"; \"testing\")\nfunc TestB(t *testing.T) { fmt.Printf(\"%d\", \"x\") }\n"},
			last:  "0 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"wrong type string", "failed:\n    m/b (does not build)\n"},
		},
		{
			name:  "a package that imports what does not exist",
			files: map[string]string{"b/b_test.go": "package b\nimport _ \"m/missing\"\n"},
			last:  "0 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"m/missing", "failed:\n    m/b (does not build)\n"},
		},
		{
			name: "a broken build that two packages need is shown once",
			files: map[string]string{
				"lib/lib.go":  "package lib\nfunc F() { missing() }\n",
				"a/a_test.go": "package a\nimport _ \"m/lib\"\n",
				"b/b_test.go": "package b\nimport _ \"m/lib\"\n",
			},
			args: []string{"./a", "./b"},
			last: "0 passed, 2 failed, 0 skipped", status: 1,
			text: []string{"undefined: missing", "    m/a (does not build)\n", "    m/b (does not build)\n"},
		},
		{
			name: "a panic fails its test and those that it kept from ending",
			files: map[string]string{"a/a_test.go": `package a
import ("testing"; "time")
func TestWaits(t *testing.T) { t.Parallel(); time.Sleep(time.Minute) }
func TestPanics(t *testing.T) { t.Parallel(); panic("boom") }
`},
			last: "0 passed, 2 failed, 0 skipped", status: 1,
			text: []string{"panic: boom", "FAIL  m/a TestWaits (did not end)", "    m/a TestPanics\n", "    m/a TestWaits\n"},
		},
		{
			name: "a panic in a goroutine of no test",
			files: map[string]string{"a/a_test.go": `package a
import ("testing"; "time")
func TestWaits(t *testing.T) { go func() { panic("stray") }(); time.Sleep(time.Minute) }
`},
			last: "0 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"panic: stray", "    m/a TestWaits\n"},
		},
		{
			name: "a package that crashes outside its tests",
			files: map[string]string{"a/a_test.go": good, "b/b_test.go": `package b
import ("os"; "testing")
func TestMain(m *testing.M) { m.Run(); println("then it broke"); os.Exit(3) }
func TestFine(t *testing.T) {}
`},
			last: "2 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"then it broke", "    m/b (failed outside its tests)\n"},
		},
		{
			name: "a package that ends without a word",
			files: map[string]string{"a/a_test.go": good, "b/b_test.go": `package b
import ("os"; "testing")
func TestMain(m *testing.M) { os.Exit(3) }
func TestNever(t *testing.T) {}
`},
			last: "1 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"exit status 3", "    m/b (failed outside its tests)\n"},
		},
		{
			name: "a failing test whose package claims success",
			files: map[string]string{"b/b_test.go": `package b
import ("os"; "testing")
func TestMain(m *testing.M) { m.Run(); os.Exit(0) }
func TestBad(t *testing.T) { t.Error("hidden") }
`},
			last: "0 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"hidden"},
		},
		{
			name: "a time-out",
			files: map[string]string{"a/a_test.go": `package a
import ("testing"; "time")
func TestGood(t *testing.T) {}
func TestSlow(t *testing.T) { t.Run("part", func(t *testing.T) { time.Sleep(time.Minute) }) }
`},
			args: []string{"-timeout=1s", "./..."},
			last: "1 passed, 1 failed, 0 skipped", status: 1,
			text: []string{"test timed out after 1s", "FAIL  m/a TestSlow/part (did not end)", "    m/a TestSlow/part\n"},
		},
		{
			name: "skipped tests under their reasons",
			files: map[string]string{"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) {}
func TestOne(t *testing.T) { t.Log("looked for it"); t.Skip("needs a thing") }
func TestTwo(t *testing.T) { t.Skip("needs a thing") }
func TestThree(t *testing.T) { t.Skip("two\nlines") }
func TestFour(t *testing.T) { t.SkipNow() }
`},
			last: "1 passed, 0 failed, 4 skipped",
			text: []string{
				"1 test ran in 1 package\n",
				"  2 tests: needs a thing\n    m/a TestOne\n    m/a TestTwo\n",
				"  1 test: two lines\n    m/a TestThree\n",
				"  1 test: no reason given\n    m/a TestFour\n",
			},
		},
		{
			name:  "no test at all",
			files: map[string]string{"none/none.go": "package none\n"},
			last:  "0 passed, 0 failed, 0 skipped", status: 1,
			text: []string{"no test ran"},
		},
		{
			name:  "every test skipped",
			files: map[string]string{"a/a_test.go": "package a\nimport \"testing\"\nfunc TestOne(t *testing.T) { t.Skip(\"not today\") }\n"},
			last:  "0 passed, 0 failed, 1 skipped", status: 1,
			text: []string{"no test ran", "1 test: not today"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if args == nil {
				args = []string{"./..."}
			}
			out, status := reportOn(t, goTest(t, tt.files, args...))
			expect(t, out, status, tt.last, tt.status, tt.text...)
			if tt.absent != "" && strings.Contains(out, tt.absent) {
				t.Errorf("the report says %q, which belongs to a test that passed:\n%s", tt.absent, out)
			}
			if n := strings.Count(out, "undefined: missing"); n > 1 {
				t.Errorf("a build's output is shown %d times", n)
			}
		})
	}
}

func TestNoSkips(t *testing.T) {
	stream := goTest(t, map[string]string{"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) {}
func TestOne(t *testing.T) { t.Skip("needs a thing") }
`}, "./...")
	out, status := reportOn(t, stream)
	expect(t, out, status, "1 passed, 0 failed, 1 skipped", 0, "needs a thing")
	out, status = reportOn(t, stream, "-no-skips")
	expect(t, out, status, "1 passed, 0 failed, 1 skipped", 1, "needs a thing", "that is a failure here")
}

func TestNoSkipsWithNothingSkipped(t *testing.T) {
	stream := goTest(t, map[string]string{"a/a_test.go": "package a\nimport \"testing\"\nfunc TestGood(t *testing.T) {}\n"}, "./...")
	out, status := reportOn(t, stream, "-no-skips")
	expect(t, out, status, "1 passed, 0 failed, 0 skipped", 0)
}

// Go tells a cached result only in a line of text, and repeats the skips of the
// run that it remembers: they must not be lost.
func TestCached(t *testing.T) {
	files := map[string]string{"a/a_test.go": `package a
import "testing"
func TestGood(t *testing.T) {}
func TestOne(t *testing.T) { t.Skip("needs a thing") }
`, "go.mod": "module m\n\ngo 1.26\n"}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		// Go does not cache what depends on a file of the last seconds.
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	goTestIn(t, dir, "./...")
	out, status := reportOn(t, goTestIn(t, dir, "./..."))
	expect(t, out, status, "1 passed, 0 failed, 1 skipped", 0, "ok    m/a  2 tests, 1 skipped, cached", "needs a thing")
}

// TestInterleaved feeds two packages whose events, and tests of the same name,
// are mixed: output must stay with its own test, and be shown when that test
// ends, not when the run does.
func TestInterleaved(t *testing.T) {
	stream := `{"Action":"start","Package":"m/a"}
{"Action":"start","Package":"m/b"}
{"Action":"run","Package":"m/a","Test":"TestSame"}
{"Action":"run","Package":"m/b","Test":"TestSame"}
{"Action":"output","Package":"m/a","Test":"TestSame","Output":"from a\n"}
{"Action":"output","Package":"m/b","Test":"TestSame","Output":"from b\n"}
{"Action":"fail","Package":"m/b","Test":"TestSame","Elapsed":0.5}
{"Action":"pass","Package":"m/a","Test":"TestSame","Elapsed":0.5}
{"Action":"output","Package":"m/a","Output":"PASS\n"}
{"Action":"output","Package":"m/b","Output":"FAIL\n"}
{"Action":"output","Package":"m/b","Output":"FAIL\tm/b\t0.5s\n"}
{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t0.5s\n"}
{"Action":"fail","Package":"m/b","Elapsed":0.5}
{"Action":"pass","Package":"m/a","Elapsed":0.5}
`
	out, status := reportOn(t, stream)
	want := `FAIL  m/b TestSame (0.50s)
    from b
FAIL  m/b  1 test, 1 failed, 0.5s
ok    m/a  1 test, 0.5s

2 tests ran in 2 packages
failed:
    m/b TestSame
1 passed, 1 failed, 0 skipped
`
	if out != want {
		t.Errorf("the report is\n%s\nwant\n%s", out, want)
	}
	if status != 1 {
		t.Errorf("exit status is %d, want 1", status)
	}
}

// TestTwoRuns: a package whose tests were divided into two runs counted as two.
func TestTwoRuns(t *testing.T) {
	stream := `{"Action":"run","Package":"m/a","Test":"TestOne"}
{"Action":"pass","Package":"m/a","Test":"TestOne","Elapsed":0.1}
{"Action":"pass","Package":"m/a","Elapsed":0.1}
{"Action":"run","Package":"m/a","Test":"TestTwo"}
{"Action":"pass","Package":"m/a","Test":"TestTwo","Elapsed":0.1}
{"Action":"pass","Package":"m/a","Elapsed":0.1}
`
	if out, _ := reportOn(t, stream); !strings.Contains(out, "\n2 tests ran in 1 package\n") {
		t.Errorf("the report is\n%s", out)
	}
}

// TestStreams shows a failure before the stream goes on: the reader of a long
// run must not have to wait for its end.
func TestStreams(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out)
	first := `{"Action":"run","Package":"m/a","Test":"TestBad"}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"wrong\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad","Elapsed":0.1}
`
	if err := r.read(strings.NewReader(first)); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "FAIL  m/a TestBad (0.10s)\n    wrong\n"; got != want {
		t.Errorf("after the failure the report says %q, want %q", got, want)
	}
}

// TestCutOff ends the stream inside a package, as when go test is killed: what
// was running did not pass.
func TestCutOff(t *testing.T) {
	stream := `{"Action":"start","Package":"m/a"}
{"Action":"run","Package":"m/a","Test":"TestGood"}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":0}
{"Action":"run","Package":"m/a","Test":"TestCut"}
{"Action":"output","Package":"m/a","Test":"TestCut","Output":"on its way\n"}
{"Action":"start","Package":"m/b"}
{"Action":"run","Package":"m/b","Test":"TestDone"}
{"Action":"pass","Package":"m/b","Test":"TestDone","Elapsed":0}
`
	out, status := reportOn(t, stream)
	expect(
		t, out, status, "2 passed, 2 failed, 0 skipped", 1,
		"FAIL  m/a TestCut (did not end)", "on its way", "    m/b (failed outside its tests)\n",
		"the event stream ended before this package did",
	)
}

func TestEmptyStream(t *testing.T) {
	out, status := reportOn(t, "")
	expect(t, out, status, "0 passed, 0 failed, 0 skipped", 1, "no test ran")
}

// Lines that are no events are passed on, whatever their length and even when
// they look like JSON; long output of a test is not lost either.
func TestOddLines(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	stream := "go: warning about something\n{not an event}\n{\"some\":\"json\"}\n" +
		`{"Action":"run","Package":"m/a","Test":"TestBad"}` + "\n" +
		`{"Action":"output","Package":"m/a","Test":"TestBad","Output":"` + long + `\n"}` + "\n" +
		`{"Action":"fail","Package":"m/a","Test":"TestBad","Elapsed":0}` + "\n" +
		`{"Action":"fail","Package":"m/a","Elapsed":0}` // no newline at the end
	out, status := reportOn(t, stream)
	expect(t, out, status, "0 passed, 1 failed, 0 skipped", 1, "go: warning about something\n{not an event}\n{\"some\":\"json\"}\n", long)
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"-no-such-flag"}, {"argument"}} {
		var stdout, stderr bytes.Buffer
		if status := run(args, strings.NewReader(""), &stdout, &stderr); status != 2 {
			t.Errorf("%q: exit status is %d, want 2", args, status)
		}
		if stderr.Len() == 0 {
			t.Errorf("%q: nothing on standard error", args)
		}
	}
}

func TestOwn(t *testing.T) {
	got := own([]string{
		"=== RUN   TestA/b\n", "=== PAUSE TestA\n", "=== CONT  TestA\n", "=== NAME  TestA\n",
		"    --- FAIL: TestA/b (0.00s)\n", "FAIL\n", "FAIL\tm/a\t0.1s\n", "PASS\n", "ok  \tm/a\t0.1s\n",
		"FAILED to reach it\n", "=== of something\n", "PASSed\n",
	})
	want := []string{"FAILED to reach it\n", "=== of something\n", "PASSed\n"}
	if !slices.Equal(got, want) {
		t.Errorf("own keeps %q, want %q", got, want)
	}
}
