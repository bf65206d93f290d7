package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/keyhatch/keyhatch/db/engine"
)

// The codes of broken rules. Source: PostgreSQL documentation, appendix A.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
)

// Broken tells which rule of the tables a statement's error is about. Errors of
// other engines are about none.
func Broken(err error) engine.Constraint {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return engine.NoConstraint
	}
	switch e.Code {
	case uniqueViolation:
		// The names are those that PostgreSQL gives: of a primary key TABLE_pkey.
		if strings.HasSuffix(e.ConstraintName, "_pkey") || e.ConstraintName == "events_id_key" {
			return engine.UniqueID
		}
		return engine.UniqueName
	case foreignKeyViolation:
		return engine.Reference
	}
	return engine.NoConstraint
}
