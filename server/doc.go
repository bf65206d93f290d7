// Package server is the ground that the doors stand on: listeners, limits,
// request ids and client addresses, the access log, health, and a stop that
// lets running requests end. It knows no door and decides nothing.
package server
