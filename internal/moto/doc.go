// Package moto starts moto for tests, which answers as services of AWS do:
// https://docs.getmoto.org. KEYHATCH_MOTO names the program, moto_server;
// tools/setup.sh installs it and prints that setting. A test that needs it is skipped
// without, which is a failure in CI.
package moto
