// Package account has the verbs of who one is to a server: login, logout, whoami.
package account
