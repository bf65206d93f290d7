// Package deliver brings a lease to a program on this machine, by the ways that
// S3 clients already know, so that it is renewed without anybody writing code:
//
//   - WriteShell prints variables for a shell to eval, WriteProcess what a
//     credential_process prints. Neither renews by itself; a client runs the
//     process again when it needs to.
//   - Cache keeps leases on disk, sealed, so that processes share them.
//   - Profile writes a profile into the AWS configuration that runs such a process.
//   - Container serves leases on the loopback interface, as Amazon's container
//     services do, and Run runs a program with it.
//
// Package snippets below this one tells what to paste into tools.
//
// A lease is handed out again until api.RenewAt. What a server answers is not
// trusted: values that could mean something to a shell, a configuration file or a
// header are refused before they get there. Nothing here prints a secret but where
// that is the purpose.
package deliver
