// Package sessions is the use case of people who are signed in with a browser: what a cookie
// holds, for how long it stands for its user, and what ends it.
package sessions
