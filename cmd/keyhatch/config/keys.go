package config

import (
	"context"
	"errors"
	"regexp"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/seal"
	"github.com/keyhatch/keyhatch/seal/awskms"
)

// Keys is where key-encryption keys are.
type Keys struct {
	// Env is the name of an environment variable that holds the key, in the words of a
	// key file: for where secrets are handed to processes in that way. The variable is
	// taken away as soon as it is read. Instead of key_file. Default: none.
	Env string `yaml:"env"`

	// KMS is a symmetric key of AWS KMS, aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID.
	// Nobody ever has that key; who may use it has. It is asked with the credentials
	// and at the address that AWS's SDKs find (AWS_PROFILE, a role of the machine;
	// AWS_ENDPOINT_URL_KMS), when a process starts and when keys are rotated. Instead
	// of key_file. Default: none.
	KMS string `yaml:"kms"`

	// Previous is the key before: what is still wrapped with it is opened, and wrapped
	// with the current one when a server starts. The log says that it may go; then
	// take this away. Default: none.
	Previous PreviousKey `yaml:"previous"`
}

// PreviousKey is one of three.
type PreviousKey struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
	KMS  string `yaml:"kms"`
}

// keyPlace is one place that a key-encryption key may be in.
type keyPlace struct{ file, env, kms string }

func (c *Config) currentKey() keyPlace { return keyPlace{c.KeyFile, c.Keys.Env, c.Keys.KMS} }

func (c *Config) previousKey() keyPlace {
	return keyPlace{c.Keys.Previous.File, c.Keys.Previous.Env, c.Keys.Previous.KMS}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (c *Config) checkKeys() error {
	current, previous := c.currentKey(), c.previousKey()
	if current.named() != 1 {
		return errors.New("key_file, keys.env and keys.kms: give one of them, since there is one key")
	}
	if previous.named() > 1 {
		return errors.New("keys.previous: give one of file, env and kms")
	}
	if previous == current {
		return errors.New("keys.previous is the current key: it has to be the one before, or nothing")
	}
	for _, p := range []keyPlace{current, previous} {
		if p.env != "" && !variableName.MatchString(p.env) {
			return errors.New("keys: env is the name of an environment variable, and never the key itself")
		}
		if p.kms != "" {
			if err := awskms.CheckURI(p.kms); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p keyPlace) named() (n int) {
	for _, text := range []string{p.file, p.env, p.kms} {
		if text != "" {
			n++
		}
	}
	return n
}

// ToldKey is what init says of where the key is.
func (c *Config) ToldKey() string {
	switch p := c.currentKey(); {
	case p.env != "":
		return "key            the variable " + p.env + "  (keep a copy elsewhere: without it nothing can be opened)"
	case p.kms != "":
		return "key            " + p.kms + "  (never delete it: without it nothing can be opened)"
	}
	return "key file       " + c.KeyFile + "  (keep a copy elsewhere: without it nothing can be opened)"
}

func (p keyPlace) open(ctx context.Context) (seal.KEK, error) {
	switch {
	case p.env != "":
		return seal.TakeKeyVariable(p.env)
	case p.kms != "":
		return awskms.Open(ctx, p.kms)
	}
	return seal.ReadKeyFile(p.file)
}

// NewKEK is the key of a new installation: a file is made, what is elsewhere is there.
func (c *Config) NewKEK(ctx context.Context) (kek seal.KEK, made string, err error) {
	if c.KeyFile == "" {
		kek, err = c.currentKey().open(ctx)
		return kek, "", err
	}
	kek, err = seal.CreateKeyFile(c.KeyFile)
	if err != nil {
		return seal.KEK{}, "", err
	}
	return kek, c.KeyFile, nil
}

// Keysets is where the data keys are kept: a database, or a transaction that fills one.
type Keysets interface {
	Keysets(context.Context) ([]keyhatch.Keyset, error)
}

// OpenKeys opens the data keys.
func (c *Config) OpenKeys(ctx context.Context, d Keysets) (*seal.Keyring, error) {
	current, err := c.currentKey().open(ctx)
	if err != nil {
		return nil, err
	}
	var before []seal.KEK
	if p := c.previousKey(); p.named() > 0 {
		kek, err := p.open(ctx)
		if err != nil {
			return nil, err
		}
		if kek.ID == current.ID {
			return nil, errors.New("keys.previous holds the current key: it has to be the one before, or nothing")
		}
		before = []seal.KEK{kek}
	}
	sets, err := d.Keysets(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := seal.OpenKeyring(current, sets, before...)
	if err != nil {
		return nil, err
	}
	keys.Follow(d.Keysets)
	return keys, nil
}
