// Package ask is how a command of package cli asks a server and shows the answer:
// which server, by whose token, and as what table people see it.
package ask
