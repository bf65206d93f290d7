// Package places is the use cases about where data lies and who may have it:
// stores, locations, and the grants on them.
package places
