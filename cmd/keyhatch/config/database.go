package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// checkDatabase refuses an address with a password in it: the configuration is no place
// for secrets. Nothing of an address is repeated, should there be one.
func (c *Config) checkDatabase() error {
	if _, err := c.DatabaseLimits(); err != nil {
		return err
	}
	if _, err := c.MemoryUsable(); err != nil {
		return err
	}
	if !db.OnServer(c.Database) {
		if c.DatabasePasswordFile != "" {
			return errors.New("database_password_file: only a database at postgres://… has a password: leave it out")
		}
		return nil
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return errors.New("database must be a file, or postgres://USER@HOST/DATABASE")
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return errors.New("database: a password never stands in the configuration: write it into a file that its owner alone can read, and name that as database_password_file")
	}
	if c.DatabasePasswordFile != "" && u.User.Username() == "" {
		return errors.New("database: name the user whose password is in database_password_file, postgres://USER@HOST/DATABASE")
	}
	return nil
}

// DatabaseLimits are what the server asks of PostgreSQL at most.
func (c *Config) DatabaseLimits() (db.Limits, error) {
	timeout, err := between("database_timeout", c.DatabaseTimeout, time.Second, 10*time.Minute)
	if err != nil {
		return db.Limits{}, err
	}
	if c.DatabaseConnections < 0 {
		return db.Limits{}, errors.New("database_connections must be at least 1")
	}
	if !db.OnServer(c.Database) && (timeout != 0 || c.DatabaseConnections != 0) {
		return db.Limits{}, errors.New("database_connections and database_timeout are of a database at postgres://…: leave them out")
	}
	return db.Limits{Connections: c.DatabaseConnections, Statement: timeout}, nil
}

// MemoryUsable is how old memory may be when it is used.
func (c *Config) MemoryUsable() (time.Duration, error) {
	return between("memory_max_age", c.MemoryMaxAge, time.Second, time.Hour)
}

// between reads a duration within bounds; nothing is 0.
func between(key, text string, least, most time.Duration) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := spanOf(key, text)
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("%s must be a time from %v to %v, as in 30s", key, least, most)
	}
	return d, nil
}

var inAddress = regexp.MustCompile(`(?i)(://[^\s/@:]*:)[^\s]*(@)|(password=)[^\s&'"]*`)

// withoutPasswords hides what is no business of an error that shows lines of the
// configuration: the password of an address that would have been refused.
func withoutPasswords(text string) string {
	return inAddress.ReplaceAllString(text, "$1$3[redacted]$2")
}

// DatabaseAddress is the address of the database with its password. It is shown nowhere.
func (c *Config) DatabaseAddress() (string, error) {
	if c.DatabasePasswordFile == "" {
		return c.Database, nil
	}
	password, err := secretIn("database_password_file", c.DatabasePasswordFile, "write the password of the database's user into it")
	if err != nil {
		return "", err
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword(u.User.Username(), password.Reveal())
	return u.String(), nil
}

// AddressOf is the address of a database that stands in no configuration, with the password
// that is in a file. It is held to what a configuration is.
func AddressOf(database, passwordFile string) (string, error) {
	c := Config{Database: database, DatabasePasswordFile: passwordFile}
	if err := c.checkDatabase(); err != nil {
		return "", err
	}
	return c.DatabaseAddress()
}

// databaseRemarks tell when what is revoked may work for longer than usual, and when others
// between here and the database could read and change what is asked there.
func (c *Config) databaseRemarks() (out []Remark) {
	if age, err := c.MemoryUsable(); err == nil && age > time.Second {
		out = append(out, Remark{
			"memory_max_age: while the database cannot be asked, what is revoked at another server works at this one for longer than a second",
			[]any{"for", age},
			"leave memory_max_age out, unless that is meant",
		})
	}
	if !db.OnServer(c.Database) {
		return out
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return out
	}
	if host := u.Hostname(); host == "" || keyhatch.IsLoopback(host) || u.Query().Get("sslmode") == "verify-full" {
		return out
	}
	return append(out, Remark{
		"what is asked of the database can be read and changed on the way: its certificate is not verified", nil,
		"add ?sslmode=verify-full to database, with sslrootcert=FILE where its authority is your own",
	})
}
