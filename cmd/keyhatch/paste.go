package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/deliver"
)

// paste prints what to try next: first what a user of keyhatch types, then what
// needs nothing but the lease.
func (d devCommand) paste(in *instance, lease api.Lent, s ask.Streams) {
	fmt.Fprintf(s.Out, `
Keyhatch is serving.

  API    %[1]s   (description: %[1]s/api/v1/openapi.json)
  S3     %[2]s   (region %[3]s, path style)
  data   %[4]s   (token of user admin: admin-token, log: keyhatch.log)

In another terminal, log in once:

  %[5]s login --server %[1]s --token < %[6]s

Then run any program with keys that renew themselves:

  %[5]s exec %[7]s -- aws s3 ls %[7]s
  %[5]s exec %[7]s -- rclone ls :s3:demo/alpha
  %[5]s exec %[7]s -- python3 -c 'import boto3; print(boto3.client("s3").get_object(Bucket="demo", Key="alpha/levels.csv")["Body"].read().decode())'

Or keep a profile that does, for everything that knows AWS profiles:

  %[5]s lease %[7]s --access write -o profile
  aws --profile keyhatch s3 cp %[7]slevels.csv -

Or have keys in the shell, for an hour:

  eval "$(%[5]s lease %[7]s --access write)"

Without this program, over the API; and the keys that it lends, these until %[8]s:

  curl -s %[1]s/api/v1/leases -H "Authorization: Bearer $(cat %[6]s)" \
    -H 'Content-Type: application/json' -d '{"location":"s3://demo/alpha/","access":"write"}'

  export AWS_ACCESS_KEY_ID=%[9]s
  export AWS_SECRET_ACCESS_KEY=%[10]s
  export AWS_SESSION_TOKEN=%[11]s
  export AWS_REGION=%[3]s AWS_ENDPOINT_URL_S3=%[2]s

The AWS CLI must be 1.29 or 2.13, or later: older ones would ask Amazon. Ctrl-C stops the server; the data stays.
`, in.apiURL, in.s3URL, in.config.S3.Region, d.Data, called(), deliver.ShellWord(d.path("admin-token")), sampleLocation,
		lease.ExpiresAt.Local().Format("15:04"), lease.AccessKeyID, lease.SecretAccessKey, lease.SessionToken)
}

// called is what a shell calls this program by: its name where PATH leads to it, and
// else its path, as with go run.
func called() string {
	self, err := os.Executable()
	if err != nil {
		return "keyhatch"
	}
	if found, err := exec.LookPath("keyhatch"); err == nil && sameFile(found, self) {
		return "keyhatch"
	}
	return deliver.ShellWord(self)
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
