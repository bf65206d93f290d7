// Package metrics tells Prometheus how the service does. It knows no part of the service: who wires it
// gives it what to ask for numbers (Sources), and has the parts call its methods when something was done.
//
// No label has a value that a caller chooses: there are routes, codes, kinds, outcomes, and no
// users, buckets, paths or names.
package metrics
