// Package passwords is how people log in who have no token yet: with a name and a
// password. It keeps what passwords are checked against, bounds how often and how many
// at once may try, and lets passwords be set, reset and removed.
package passwords
