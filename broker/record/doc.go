// Package record is the use cases about the audit record.
package record
