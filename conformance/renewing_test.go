package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/client/leasecreds"
)

// pause is between what programs do.
const pause = 2 * time.Second

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// testdataFile is a script's path. go test must know of it: see devserver.Build.
func testdataFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err == nil {
		_, err = os.ReadFile(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func renewBoto3(t *testing.T, u borrower, w way) running {
	t.Helper()
	python := program(t, "KEYHATCH_PYTHON", "python3 with boto3")
	return u.run(t, u.by(t, w, python, "-B", testdataFile(t, "renew_boto3.py"), seconds(runFor), u.bucket, u.own+"boto3/"+string(w)+"/"))
}

// renewSync runs one "aws s3 sync", whose bandwidth is bounded so that it takes that
// long. That bound is a setting of the AWS configuration.
func renewSync(t *testing.T, u borrower, w way) running {
	t.Helper()
	aws := program(t, "KEYHATCH_AWSCLI", "awscli")
	const size, each = 180 << 10, 3 * time.Second // of a file
	folder := filepath.Join(u.home, "files")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range int(runFor / each) {
		body := bytes.Repeat([]byte{byte(i)}, size)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%03d", i)), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const slow = "    max_bandwidth = 60KB/s\n    max_concurrent_requests = 4\n"
	args := []string{aws, "s3", "sync", "--no-progress", "--only-show-errors", folder, "s3://" + u.bucket + "/" + u.own + "sync/" + string(w) + "/"}
	if w == byProfile {
		cmd := u.by(t, w, args...)
		file := filepath.Join(u.home, ".aws", "config")
		text, err := os.ReadFile(file)
		with := bytes.Replace(text, []byte("    addressing_style = path\n"), []byte("    addressing_style = path\n"+slow), 1)
		if bytes.Equal(with, text) {
			t.Fatal("the profile has other settings for S3")
		}
		if err := errors.Join(err, os.WriteFile(file, with, 0o600)); err != nil {
			t.Fatal(err)
		}
		return u.run(t, cmd)
	}
	// exec hides the user's configuration, which a program may have all the same.
	file := writeSettings(t, u.home, "slow", "[default]\ns3 =\n"+slow)
	return u.run(t, u.by(t, w, append([]string{"/usr/bin/env", "AWS_CONFIG_FILE=" + file}, args...)...))
}

func renewDuckDB(t *testing.T, u borrower, w way) running {
	t.Helper()
	python := program(t, "KEYHATCH_PYTHON", "python3 with duckdb")
	args := []string{python, "-B", testdataFile(t, "renew_duckdb.py"), seconds(runFor), u.S3, u.Location + "README.txt"}
	switch w {
	case byProfile:
		args = append(args, "PROFILE 'keyhatch'", "CHAIN 'process'")
	case byWebIdentity:
		args = append(args, "CHAIN 'web_identity'")
	}
	return u.run(t, u.by(t, w, args...))
}

// served is rclone that serves over HTTP the file system that "rclone mount" mounts,
// and its reader.
type served struct {
	*background
	read chan error
}

var servesAt = regexp.MustCompile(`started on (http://127\.0\.0\.1:\d+/)`)

func renewRclone(t *testing.T, u borrower, w way) running {
	t.Helper()
	rclone := program(t, "KEYHATCH_RCLONE", "rclone")
	u.env = append(u.env,
		"RCLONE_CONFIG="+writeSettings(t, u.home, "rclone.conf"), "RCLONE_RETRIES=1", "RCLONE_LOW_LEVEL_RETRIES=1",
		"RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENV_AUTH=true", "RCLONE_S3_NO_CHECK_BUCKET=true", "RCLONE_S3_ENDPOINT="+u.S3)
	remote := ":s3:" + u.bucket + "/" + u.own
	if w == byWebIdentity {
		return u.run(t, u.by(t, w, rclone, "cat", remote+"README.txt"))
	}
	b := u.run(t, u.by(t, w, rclone, "serve", "webdav", "--addr", "127.0.0.1:0", "--read-only", "--dir-cache-time", "1s", remote))
	s := served{b, make(chan error, 1)}
	ctx := t.Context()
	go func() { s.read <- s.readOn(ctx) }()
	return s
}

// readOn reads until the time is over.
func (s served) readOn(ctx context.Context) error {
	end := time.Now().Add(runFor)
	var address string
	for address == "" {
		if m := servesAt.FindStringSubmatch(s.printed()); m != nil {
			address = m[1]
		}
		select {
		case <-s.Ended():
			return errors.New("it ended")
		case <-time.After(time.Until(end)):
			return errors.New("it does not say where it serves")
		case <-time.After(100 * time.Millisecond):
		}
	}
	for time.Now().Before(end) {
		if err := readURL(ctx, address+"README.txt"); err != nil {
			return err
		}
		time.Sleep(pause)
	}
	return nil
}

// readURL fetches from a program that serves what it reads.
func readURL(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

func (s served) wait(t *testing.T) {
	t.Helper()
	if err := <-s.read; err != nil {
		t.Errorf("%v\n%s", err, s.printed())
	}
	if !s.End(syscall.SIGTERM, commandTime) {
		t.Error("it does not end by a signal")
	}
}

func renewGoSDK(t *testing.T, u borrower, w way) running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	u.env = append(u.env, asGoProgram+"="+string(w))
	return u.run(t, u.by(t, w, self, u.S3, u.bucket, u.own+"go-sdk/"+string(w)+".txt"))
}

// asGoProgram is the variable that makes the test program be one of the Go SDK.
const asGoProgram = "KEYHATCH_TEST_GO_PROGRAM"

// goProgram stores and fetches an object again and again, with one client that is
// made as users make theirs.
func goProgram(w way, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), runFor+time.Minute)
	defer cancel()
	end := time.Now().Add(runFor)
	bucket, key := args[1], args[2]
	objects, err := goClient(ctx, w, "s3://"+bucket+"/"+key)
	if err != nil {
		return err
	}
	for round := 0; time.Now().Before(end); round++ {
		body := fmt.Appendf(nil, "round %d", round)
		if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return err
		}
		answer, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return err
		}
		got, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if !bytes.Equal(got, body) {
			return fmt.Errorf("round %d: something else came back", round)
		}
		time.Sleep(pause)
	}
	return nil
}

func goClient(ctx context.Context, w way, url string) (*s3.Client, error) {
	once := func(o *s3.Options) { o.Retryer = aws.NopRetryer{} }
	if w == byProvider {
		lender := keyhatch.New(os.Getenv("KEYHATCH_SERVER"), os.Getenv("KEYHATCH_TOKEN"))
		return leasecreds.NewS3(ctx, leasecreds.New(lender, api.LeaseRequest{Location: url[:len(url)-len(filepath.Base(url))], Access: "write"}), once)
	}
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return s3.NewFromConfig(c, once), nil
}
