// Package conformance runs real, unmodified S3 clients against the real
// keyhatch binary: awscli, boto3 and rclone, with leases borrowed over the API.
//
// It is the test of the promise that a researcher's own tools work with what
// keyhatch lends, and that they open nothing else. Each client must get back
// the bytes that it stored, under every name that clients find hard; and each
// must be refused, in words that its user can understand, whatever its lease
// does not open.
//
// There is only test code here. It knows nothing of the product but what is
// promised to the outside, see internal/devserver.
//
// Further clients, s3cmd, s3fs, obstore and DuckDB, have drivers here too, which
// are proved on a real store (internal/peers).
//
// The clients are named by the environment: KEYHATCH_AWSCLI, KEYHATCH_PYTHON (a
// Python that has boto3, obstore and duckdb), KEYHATCH_RCLONE, KEYHATCH_S3CMD and
// KEYHATCH_S3FS_PYTHON (a Python that has s3fs). tools/setup.sh installs the
// pinned versions and prints these settings; "make test" and "make conformance"
// do both. What is not named is left out, so that "go test ./..." works on a
// machine with nothing but Go; what is named and does not run is a failure.
//
// Clients run without the settings of the machine and of its user, and do not
// retry: a retry would hide a fault. Secrets never reach a test's output.
package conformance
