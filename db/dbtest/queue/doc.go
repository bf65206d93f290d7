// Package queue is the part of the suite about jobs: how they are asked for, claimed,
// and ended, one by one and against a model of the whole.
package queue
