// Package complete is what a command line tells of itself: to shells, which
// complete its words, and to people, as a manual page.
package complete
