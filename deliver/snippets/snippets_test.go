package snippets_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/deliver/snippets"
)

func TestEveryToolHasItsSnippet(t *testing.T) {
	want := []string{"boto3", "duckdb", "gdal", "pyiceberg", "rclone", "s3fs", "spark", "terraform"}
	if got := slices.Sorted(slices.Values(snippets.Tools())); !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	l := aLease()
	for _, tool := range want {
		values, err := snippets.Of(tool, "", l)
		if err != nil || !contains(values, l.AccessKeyID, l.SecretAccessKey, l.SessionToken, "127.0.0.1:8751", l.Region, "demo", "alpha/") {
			t.Errorf("%s: %v\n%s", tool, err, values)
		}
		profile, err := snippets.Of(tool, "alpha", l)
		if err != nil {
			t.Errorf("%s: %v", tool, err)
		}
		if renews := snippets.Renews(tool); renews == contains(profile, "canary") || renews == (tool == "gdal") {
			t.Errorf("%s renews: %v, and yet\n%s", tool, renews, profile)
		}
		for _, text := range []string{values, profile} {
			if strings.ContainsAny(text, "‹›") || strings.HasPrefix(text, "\n") || !strings.HasSuffix(text, "\n") {
				t.Errorf("%s:\n%s", tool, text)
			}
		}
	}
	for _, bad := range [][2]string{{"excel", ""}, {"", ""}, {"boto3", "a b"}, {"boto3", `"`}, {"boto3", "a\n"}} {
		if text, err := snippets.Of(bad[0], bad[1], l); err == nil {
			t.Errorf("%q: %s", bad, text)
		}
	}
	for _, prefix := range []string{"", "demo/alpha/", "s3://demo/a\nb/", "s3://demo/\x00"} {
		l.Prefixes = []string{prefix}
		if text, err := snippets.Of("boto3", "", l); err == nil {
			t.Errorf("%q: %s", prefix, text)
		}
	}
	l.Prefixes = nil
	if _, err := snippets.Of("boto3", "", l); err == nil {
		t.Error("a lease of nothing")
	}
}

// What a server sends stays a value in every language. The languages' own parsers
// tell, of those that are at hand; a value that ended early would be a syntax error,
// or a name that is not defined.
func TestSnippetsQuote(t *testing.T) {
	l := aLease()
	l.SecretAccessKey, l.SessionToken, l.Region = tricky, `";x";'y'`+tricky, `${file("/etc/passwd")}%{if}`
	l.Prefixes = []string{"s3://demo/it's \"größe\" ${x} %{y} $(z)/"}
	for _, tool := range []string{"rclone", "gdal"} {
		text, err := snippets.Of(tool, "", l)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.NewReplacer("\nrclone lsl", "\nprintf %s\\\\n", "\n# then: gdalinfo", "\nprintf %s\\\\n").Replace(text)
		cmd := exec.Command("sh", "-c", text+"\nenv")
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		if err != nil || !contains(string(out), "SECRET_ACCESS_KEY="+tricky+"\n", "SESSION_TOKEN="+l.SessionToken+"\n", "REGION="+l.Region+"\n") {
			t.Errorf("%s: %v\n%s\n%s", tool, err, text, out)
		}
		if tool == "rclone" && !contains(string(out), "keyhatch:demo/it's \"größe\" ${x} %{y} $(z)/\n") {
			t.Errorf("%s", out)
		}
		if tool == "gdal" && !contains(string(out), "/vsis3/demo/it's \"größe\" ${x} %{y} $(z)/…\n") {
			t.Errorf("%s", out)
		}
	}
	sql, err := snippets.Of("duckdb", "", l)
	if err != nil || !contains(sql, "SECRET '"+strings.ReplaceAll(tricky, "'", "''")+"'", `'s3://demo/it''s "größe" ${x} %{y} $(z)/**'`) {
		t.Errorf("%v\n%s", err, sql)
	}
	hcl, err := snippets.Of("terraform", "", l)
	if err != nil || !contains(hcl, `"$${file(\"/etc/passwd\")}%%{if}"`, `"it's \"größe\" $${x} %%{y} $(z)/terraform.tfstate"`) {
		t.Errorf("%v\n%s", err, hcl)
	}
	python := clientPython(t)
	for _, tool := range []string{"boto3", "s3fs", "spark", "pyiceberg"} {
		for _, profile := range []string{"", "a.b/c@d+e:f%g-h_i"} {
			text, err := snippets.Of(tool, profile, l)
			if err != nil {
				t.Fatal(err)
			}
			const strs = `import ast, json, sys
print(json.dumps([n.value for n in ast.walk(ast.parse(sys.argv[1])) if isinstance(n, ast.Constant) and isinstance(n.value, str)]))`
			out, err := exec.Command(python, "-c", strs, text).Output()
			var values []string
			if err == nil {
				err = json.Unmarshal(out, &values)
			}
			want := []string{l.Endpoint}
			if profile == "" {
				want = append(want, l.SecretAccessKey, l.SessionToken, l.Region)
			} else {
				want = append(want, profile)
			}
			for _, w := range want {
				if tool == "boto3" && profile != "" && w == l.Endpoint {
					continue // the profile has it
				}
				if err != nil || !slices.Contains(values, w) {
					t.Errorf("%s with %q: %v: no %s in %q", tool, profile, err, w, values)
				}
			}
		}
	}
}
