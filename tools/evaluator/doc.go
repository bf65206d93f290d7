// Package evaluator holds the session policies that package policy writes to an
// evaluator of IAM's language that is not ours: versitygw's. It is here and not beside
// them because of what that evaluator brings along, which must not come into the module
// graph of keyhatch.
package evaluator
