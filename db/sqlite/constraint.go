package sqlite

import (
	"errors"
	"strings"

	"github.com/keyhatch/keyhatch/db/engine"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// Broken tells which rule of the tables a statement's error is about. Errors of
// other engines are about none.
func Broken(err error) engine.Constraint {
	var e *driver.Error
	if !errors.As(err, &e) {
		return engine.NoConstraint
	}
	switch e.Code() {
	case codes.SQLITE_CONSTRAINT_PRIMARYKEY:
		return engine.UniqueID
	case codes.SQLITE_CONSTRAINT_UNIQUE:
		if strings.Contains(e.Error(), "events.id") { // an id as well, beside the key
			return engine.UniqueID
		}
		return engine.UniqueName
	case codes.SQLITE_CONSTRAINT_FOREIGNKEY:
		return engine.Reference
	}
	return engine.NoConstraint
}
