// Package awskms has the data keys wrapped by a key of AWS KMS, which never leaves
// it: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html.
//
// KMS is asked once for each keyset when a process starts, and again when a keyset was
// changed; never to seal or open a secret. While it is away a process that runs goes
// on, and none can start.
package awskms
