// Package document reads the XML that requests bring, strictly: what another reader
// could read in another way is refused. What is handed on is written anew.
package document
