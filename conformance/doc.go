// Package conformance runs real, unmodified S3 clients against the real keyhatch
// binary, with leases borrowed over the API: awscli (s3 and s3api), boto3, the Go
// SDK, rclone, s3cmd, s3fs, obstore and DuckDB.
//
// It is the test of the promise that a researcher's own tools work with what
// keyhatch lends, and that they open nothing else. Each client must get back
// the bytes that it stored, under every name that clients find hard; and each
// must be refused, in words that its user can understand, whatever its lease
// does not open.
//
// The whole of that is run on the directory store of keyhatch dev. What depends on
// the store, and on how clients sign and send, is run again over HTTP and over TLS
// on a directory and on each of the real stores behind keyhatch (internal/peers).
// Large objects, syncs of many files, presigned URLs and tables have tests of their
// own: what each client can, on both kinds of store, each over HTTP and over TLS, see
// bothKinds. A server's request log tells that not one request of ten syncs has
// failed. What a client cannot do is listed, see lacking.
//
// Programs that run while their leases end, one after the other, renew them by every way
// that they know; that is a table too, see renewals. What keyhatch prints to be pasted
// into tools is run by those.
//
// The rule that finds leaked tokens is shipped, so it is run by gitleaks, and what that
// finds is held against what was planted.
//
// There is only test code here. It knows nothing of the product but what is
// promised to the outside, see internal/devserver. TestProbe has the clients use a
// real store without keyhatch: when it fails too, keyhatch is not to blame.
//
// The clients are named by the environment: KEYHATCH_AWSCLI, KEYHATCH_PYTHON (a
// Python that has boto3, obstore and duckdb), KEYHATCH_RCLONE, KEYHATCH_S3CMD,
// KEYHATCH_S3FS_PYTHON (a Python that has s3fs, PyIceberg and rasterio),
// KEYHATCH_ARVADOS_PYTHON (one that has the SDK of Arvados, which speaks to the API
// and not to stores), KEYHATCH_SPARK_PYTHON (one that has Spark, which needs
// KEYHATCH_JAVA_HOME and finds in KEYHATCH_SPARK_JARS what it would get from Maven
// Central), KEYHATCH_TOFU and KEYHATCH_GITLEAKS.
// tools/setup.sh installs the pinned versions and prints these settings; "make test"
// and "make conformance" do both. What is not named is left out, so that
// "go test ./..." works on a machine with nothing but Go; what is named and does not
// run is a failure.
//
// Clients run without the settings of the machine and of its user, and do not
// retry: a retry would hide a fault. Secrets never reach a test's output.
package conformance
