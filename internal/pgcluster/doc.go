// Package pgcluster starts PostgreSQL for tests: a throw-away cluster on a socket of its
// own. KEYHATCH_POSTGRES names the folder of its programs; tools/setup.sh installs them
// and prints that setting. A test that needs it is skipped without, which is a failure in
// CI.
package pgcluster
