package keyhatch

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a string that prints, logs and encodes as "[redacted]". Only the
// code that hands it to its owner, hashes it or seals it calls Reveal.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer without the secret.
func (Secret) String() string { return redacted }

// Format answers every verb, %x and %#v included, without the secret.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue implements slog.LogValuer without the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the secret out of JSON, XML and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
