package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// event is one line of go test -json, as "go doc test2json" and "go help
// buildjson" describe it; only what is used here.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build events, in place of Package
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string // ImportPath of the build that kept a package from running
}

// test is a test that has started and not ended.
type test struct {
	output      []string
	parted      bool // has subtests, so that it is no leaf
	childFailed bool
}

// pkg is a package whose tests are running, or waiting to.
type pkg struct {
	running map[string]*test
	output  []string // what no test wrote
	cached  bool
	broken  string // why the package failed when none of its tests did
	timed   []timed
	count
}

type count struct{ passed, failed, skipped int }

// report is the state of one run. Packages run side by side, so events of
// several are mixed; everything is kept by package until it ends.
type report struct {
	out      io.Writer
	open     map[string]*pkg
	builds   map[string][]string // output of builds that no package has shown yet
	total    count
	packages map[string]bool     // in which a test ran: one of them in two runs is one
	broken   int                 // packages that failed when none of their tests did
	failures []string            // names, in the order in which they failed
	reasons  map[string][]string // why tests were skipped → their names
	timed    []timed
}

func newReport(out io.Writer) *report {
	return &report{
		out:      out,
		open:     map[string]*pkg{},
		packages: map[string]bool{},
		builds:   map[string][]string{},
		reasons:  map[string][]string{},
	}
}

// read takes events until the stream ends. Lines have no length limit: a test
// may print anything. A line that is no event comes from go itself or from a
// process that outlived its test; it is passed on as it is.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if text := strings.TrimSpace(line); text != "" {
			var e event
			if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &e) == nil && e.Action != "" {
				r.take(e)
			} else {
				fmt.Fprintln(r.out, strings.TrimRight(line, "\r\n"))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	if e.Package == "" {
		if e.Action == "build-output" {
			r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
		}
		return
	}
	p := r.open[e.Package]
	if p == nil {
		p = &pkg{running: map[string]*test{}}
		r.open[e.Package] = p
	}
	switch {
	case e.Test == "" && e.Action == "output":
		p.output = append(p.output, e.Output)
		// Go's own line about the package, in the only place that tells.
		p.cached = p.cached || strings.HasPrefix(e.Output, "ok  \t") && strings.Contains(e.Output, "\t(cached)")
	case e.Test == "" && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip"):
		r.endPackage(e, p)
	case e.Test != "":
		r.takeTest(e, p)
	}
}

func (r *report) takeTest(e event, p *pkg) {
	t := p.running[e.Test]
	if t == nil {
		t = &test{}
		p.running[e.Test] = t
		if parent := p.parent(e.Test); parent != nil {
			parent.parted = true
		}
	}
	if (e.Action == "pass" || e.Action == "fail") && !t.parted {
		p.timed = append(p.timed, timed{e.Package + " " + e.Test, e.Elapsed})
	}
	switch e.Action {
	case "output":
		t.output = append(t.output, e.Output)
	case "pass":
		delete(p.running, e.Test)
		if !t.parted {
			p.passed++
		}
	case "skip":
		delete(p.running, e.Test)
		p.skipped++
		why := reason(t.output)
		r.reasons[why] = append(r.reasons[why], e.Package+" "+e.Test)
	case "fail":
		delete(p.running, e.Test)
		r.failTest(e.Package, e.Test, p, t, fmt.Sprintf("%.2fs", e.Elapsed))
	}
}

// failTest shows a failed test and counts it. A test that failed only because
// a subtest did is not counted again, and is shown only if it has something of
// its own to say.
func (r *report) failTest(path, name string, p *pkg, t *test, how string) {
	if parent := p.parent(name); parent != nil {
		parent.childFailed = true
	}
	output := own(t.output)
	if t.childFailed && len(output) == 0 {
		return
	}
	r.show(fmt.Sprintf("FAIL  %s %s (%s)", path, name, how), output)
	if !t.childFailed {
		p.failed++
		r.failures = append(r.failures, path+" "+name)
	}
}

// parent is the running test whose subtest name is. A subtest's own name may
// hold slashes, so the nearest one that is known counts.
func (p *pkg) parent(name string) *test {
	for i := strings.LastIndexByte(name, '/'); i >= 0; i = strings.LastIndexByte(name, '/') {
		name = name[:i]
		if t := p.running[name]; t != nil {
			return t
		}
	}
	return nil
}

// endPackage closes the books of a package, and fails what it left open.
func (r *report) endPackage(e event, p *pkg) {
	delete(r.open, e.Package)
	r.failUnfinished(e.Package, p)
	if e.Action == "fail" {
		r.failPackage(e, p)
	}
	if p.passed+p.failed > 0 {
		r.packages[e.Package] = true
	}
	if !p.cached {
		r.timed = append(r.timed, p.timed...)
	}
	r.total.passed += p.passed
	r.total.failed += p.failed
	r.total.skipped += p.skipped
	fmt.Fprintln(r.out, packageLine(e, p))
}

// failPackage shows what a failed package says outside its tests, and counts
// the package itself when none of its tests has failed.
func (r *report) failPackage(e event, p *pkg) {
	if e.FailedBuild != "" {
		p.broken = "does not build"
		// Several packages may need the same build: it is shown once.
		r.show(fmt.Sprintf("FAIL  %s (%s)", e.Package, p.broken), r.builds[e.FailedBuild])
		delete(r.builds, e.FailedBuild)
	} else {
		if p.failed == 0 {
			p.broken = "failed outside its tests"
		}
		if output := own(p.output); len(output) > 0 {
			r.show(fmt.Sprintf("FAIL  %s (outside its tests)", e.Package), output)
		}
	}
	if p.broken != "" {
		r.broken++
		r.failures = append(r.failures, fmt.Sprintf("%s (%s)", e.Package, p.broken))
	}
}

// failUnfinished fails the tests that were running when their process ended:
// by a panic, a time-out, or os.Exit. Subtests come before their parents.
func (r *report) failUnfinished(path string, p *pkg) {
	names := slices.Sorted(maps.Keys(p.running))
	slices.Reverse(names)
	for _, name := range names {
		t := p.running[name]
		delete(p.running, name)
		r.failTest(path, name, p, t, "did not end")
	}
}

func packageLine(e event, p *pkg) string {
	word := map[string]string{"pass": "ok", "fail": "FAIL", "skip": "-"}[e.Action]
	line := fmt.Sprintf("%-4s  %s", word, e.Package)
	var facts []string
	if p.broken != "" {
		facts = append(facts, p.broken)
	}
	switch n := p.passed + p.failed + p.skipped; {
	case n > 0:
		facts = append(facts, plural(n, "test"))
	case p.broken == "":
		facts = append(facts, "no tests")
	}
	if p.failed > 0 {
		facts = append(facts, fmt.Sprintf("%d failed", p.failed))
	}
	if p.skipped > 0 {
		facts = append(facts, fmt.Sprintf("%d skipped", p.skipped))
	}
	if p.cached {
		facts = append(facts, "cached")
	} else if e.Elapsed > 0 {
		facts = append(facts, fmt.Sprintf("%.1fs", e.Elapsed))
	}
	return line + "  " + strings.Join(facts, ", ")
}

// finish writes the end of the report and says whether the run was good.
func (r *report) finish(noSkips bool) bool {
	// A stream that stops in the middle of a package is a run that was cut off.
	for _, path := range slices.Sorted(maps.Keys(r.open)) {
		p := r.open[path]
		p.output = append(p.output, "the event stream ended before this package did\n")
		r.endPackage(event{Action: "fail", Package: path}, p)
	}
	for _, path := range slices.Sorted(maps.Keys(r.builds)) {
		r.show("build of "+path, r.builds[path])
	}

	fmt.Fprintln(r.out)
	ran := r.total.passed + r.total.failed
	fmt.Fprintf(r.out, "%s ran in %s\n", plural(ran, "test"), plural(len(r.packages), "package"))
	showSlowest(r.out, r.timed)
	if len(r.failures) > 0 {
		fmt.Fprintln(r.out, "failed:")
		for _, name := range r.failures {
			fmt.Fprintln(r.out, "    "+name)
		}
	}
	if r.total.skipped > 0 {
		fmt.Fprintln(r.out, "left out:")
		for _, why := range slices.Sorted(maps.Keys(r.reasons)) {
			names := r.reasons[why]
			fmt.Fprintf(r.out, "  %s: %s\n", plural(len(names), "test"), why)
			for _, name := range names {
				fmt.Fprintln(r.out, "    "+name)
			}
		}
	}
	failed := r.total.failed + r.broken
	good := failed == 0
	if ran == 0 {
		fmt.Fprintln(r.out, "no test ran: that is a failure")
		good = false
	}
	if noSkips && r.total.skipped > 0 {
		fmt.Fprintln(r.out, "tests were left out: that is a failure here (-no-skips)")
		good = false
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.total.passed, failed, r.total.skipped)
	return good
}

func (r *report) show(title string, output []string) {
	fmt.Fprintln(r.out, title)
	for line := range strings.Lines(strings.Join(output, "")) {
		fmt.Fprintln(r.out, "    "+strings.TrimRight(line, "\r\n"))
	}
}

// own leaves out the lines with which package testing and go frame a test's
// own output.
func own(output []string) []string {
	var kept []string
	for _, line := range output {
		if !frame.MatchString(line) {
			kept = append(kept, line)
		}
	}
	return kept
}

var frame = regexp.MustCompile(`^(=== (RUN|PAUSE|CONT|NAME) |\s*--- (PASS|FAIL|SKIP): |(PASS|FAIL)\s*$|FAIL\t|ok  \t)`)

// reason is the message of a test's t.Skip: the last thing that it logged.
// Lines that follow the first one of a message are joined to it.
func reason(output []string) string {
	why := ""
	for _, line := range own(output) {
		if m := logged.FindStringSubmatch(line); m != nil {
			why = strings.TrimSpace(m[1])
		} else if why != "" {
			why += " " + strings.TrimSpace(line)
		}
	}
	if why == "" {
		return "no reason given"
	}
	return why
}

var logged = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
