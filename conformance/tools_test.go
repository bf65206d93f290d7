package conformance

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// tool is a client that is a program with a command for each operation.
type tool struct {
	runner
	root string // of the bucket, in the program's spelling, with its slash
	// settings gives the environment for a lease, and writes the files that the
	// program reads.
	settings func(l devserver.Lease) (env []string)
	commands map[operation]string
	line     *regexp.Regexp // of a listing: size and key
	below    bool           // keys of a listing are told without its prefix
	denied   func(op operation, codes []string) string
}

// command runs any command of the program.
func (c tool) command(l devserver.Lease, args ...string) result {
	c.t.Helper()
	return c.run(l, c.settings(l), args...)
}

func (c tool) do(l devserver.Lease, op operation, args ...string) result {
	c.t.Helper()
	words, ok := c.commands[op]
	if !ok {
		c.t.Fatalf("%s has no command for %s", filepath.Base(c.path), op)
	}
	return c.command(l, append(strings.Fields(words), args...)...)
}

func (c tool) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.do(l, opPut, file, c.root+key)
}

func (c tool) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.do(l, opGet, c.root+key, file)
}

// getRange is what only rclone can do.
func (c tool) getRange(l devserver.Lease, key string, first, length int) ([]byte, result) {
	c.t.Helper()
	r := c.do(l, opRange, "--offset", strconv.Itoa(first), "--count", strconv.Itoa(length), c.root+key)
	return r.stdout, r
}

func (c tool) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.do(l, opList, c.root+prefix)
	if r.err != nil {
		return nil, r
	}
	entries := parseLines(c.t, r.stdout, c.line)
	for i := range entries {
		if c.below {
			entries[i].key = strings.TrimSuffix(prefix, "/") + "/" + entries[i].key
		}
	}
	return entries, r
}

func (c tool) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.do(l, opRemove, c.root+key)
}

func (c tool) also(op operation, l devserver.Lease, args ...string) result {
	c.t.Helper()
	args = slices.Clone(args)
	for i := range args {
		if keyAt(op, i) {
			args[i] = c.root + args[i]
		}
	}
	return c.do(l, op, args...)
}

func (c tool) refusal(op operation, codes ...string) *regexp.Regexp {
	return regexp.MustCompile(c.denied(op, codes))
}

// newAWSS3 makes a client of "aws s3", the commands that people type.
func newAWSS3(t *testing.T, bucket string) client {
	t.Helper()
	r := newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli"))
	return tool{
		runner: r, root: "s3://" + bucket + "/",
		settings: func(l devserver.Lease) []string { return awsEnv(t, l, r.home) },
		commands: map[operation]string{
			opPut: "s3 cp --no-progress", opGet: "s3 cp --no-progress", opList: "s3 ls --recursive", opRemove: "s3 rm",
			opCopy: "s3 cp --no-progress", opUp: "s3 cp --no-progress", opDown: "s3 cp --no-progress",
			opFolderUp: "s3 cp --recursive --no-progress", opFolderDown: "s3 cp --recursive --no-progress", opClear: "s3 rm --recursive",
			opSyncUp: "s3 sync --delete --no-progress", opSyncDown: "s3 sync --delete --no-progress",
			opSignGet: "s3 presign --expires-in 300",
		},
		line: regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +(\d+) (.*)$`), // date, time, size, key
		denied: func(op operation, codes []string) string {
			switch op {
			case opPut:
				return awsWords("PutObject", anyOf(codes))
			case opGet, opCopy: // it asks for the object's size first
				return awsWords("HeadObject", anyOf(statuses(codes)))
			case opRemove:
				return awsWords("DeleteObject", anyOf(codes))
			default:
				return awsWords("ListObjectsV2", anyOf(codes))
			}
		},
	}
}

// newRclone makes a client of rclone, which is configured by its environment
// alone; the remote ":s3:" takes the settings of RCLONE_S3_*.
func newRclone(t *testing.T, bucket string) client {
	t.Helper()
	r := newRunner(t, program(t, "KEYHATCH_RCLONE", "rclone"))
	return tool{
		runner: r, root: ":s3:" + bucket + "/",
		settings: func(l devserver.Lease) []string {
			env := []string{
				"RCLONE_CONFIG=" + writeSettings(t, r.home, "rclone.conf"),
				"RCLONE_S3_PROVIDER=Other",
				"RCLONE_S3_ENDPOINT=" + l.Endpoint,
				"RCLONE_S3_REGION=" + l.Region,
				"RCLONE_S3_FORCE_PATH_STYLE=true",
				"RCLONE_S3_NO_CHECK_BUCKET=true", // a lease opens a prefix, not the bucket
				"RCLONE_S3_UPLOAD_CUTOFF=6M",     // so that folders have a file in parts
				"RCLONE_S3_ACCESS_KEY_ID=" + l.AccessKeyID,
				"RCLONE_S3_SECRET_ACCESS_KEY=" + l.SecretAccessKey,
				"RCLONE_S3_SESSION_TOKEN=" + l.SessionToken,
				"RCLONE_RETRIES=1",
				"RCLONE_LOW_LEVEL_RETRIES=1",
			}
			if l.CAFile != "" {
				env = append(env, "RCLONE_CA_CERT="+l.CAFile)
			}
			return env
		},
		commands: map[operation]string{
			opPut: "copyto", opGet: "copyto", opRange: "cat", opList: "ls", opRemove: "deletefile",
			opCopy: "copyto", opUp: "copyto", opDown: "copyto",
			opFolderUp: "copy", opFolderDown: "copy", opClear: "delete", opSyncUp: "sync", opSyncDown: "sync",
			opSignGet: "link --expire 5m",
		},
		line: regexp.MustCompile(`^ *(\d+) (.*)$`), below: true, // size and path
		// The code, or what stands for it when rclone, before it does what it is asked
		// to, looks at the object and is refused by an answer without a body. Deleting
		// or copying, it takes that refusal for a sign that there is no such file.
		denied: func(op operation, codes []string) string {
			words := anyOf(append([]string{"Forbidden", "BadRequest"}, codes...)) + `: [^\n]*\n\s+status code: ` + anyOf(statuses(codes))
			if op == opRemove {
				words += "|is a directory or doesn't exist"
			}
			return words
		},
	}
}

// newS3cmd makes a client of s3cmd, which is configured by the file that
// "s3cmd --configure" writes.
func newS3cmd(t *testing.T, bucket string) client {
	t.Helper()
	r := newRunner(t, program(t, "KEYHATCH_S3CMD", "s3cmd"))
	return tool{
		runner: r, root: "s3://" + bucket + "/",
		settings: func(l devserver.Lease) []string {
			endpoint, err := url.Parse(l.Endpoint)
			if err != nil {
				t.Fatal(err)
			}
			// Without the bucket in its pattern, host_bucket asks for path style.
			config := []string{
				"[default]",
				"access_key = " + l.AccessKeyID,
				"secret_key = " + l.SecretAccessKey,
				"access_token = " + l.SessionToken,
				"host_base = " + endpoint.Host,
				"host_bucket = " + endpoint.Host,
				"bucket_location = " + l.Region,
				"use_https = " + strconv.FormatBool(endpoint.Scheme == "https"),
				"max_retries = 1",
				"progress_meter = False",
			}
			if l.CAFile != "" {
				config = append(config, "ca_certs_file = "+l.CAFile)
			}
			writeSettings(t, r.home, ".s3cfg", config...)
			return nil
		},
		commands: map[operation]string{
			opPut: "put", opGet: "get --force", opList: "ls --recursive", opRemove: "del", opCopy: "cp", opUp: "put", opDown: "get --force",
			opFolderUp: "put --recursive", opFolderDown: "get --recursive --force", opClear: "del --recursive --force",
			opSyncUp: "sync --delete-removed", opSyncDown: "sync --delete-removed",
		},
		line: regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d +(\d+) +s3://[^/]+/(.*)$`), // date, time, size, URL
		// The code, or what stands for it when s3cmd, before it fetches, looks at the
		// object and is refused by an answer without a body; of a copy it looks at the
		// source first, too.
		denied: func(op operation, codes []string) string {
			switch op {
			case opGet:
				codes = append([]string{"Forbidden", "Bad Request"}, codes...)
			case opCopy:
				return `ERROR: Copy failed for: [^\n]* \(` + anyOf(statuses(codes)) + ` \(Forbidden\)\)`
			}
			return `ERROR: S3 error: ` + anyOf(statuses(codes)) + ` \(` + anyOf(codes) + `\)`
		},
	}
}

// writeSettings writes a file of settings and returns its path.
func writeSettings(t *testing.T, home, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(home, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
