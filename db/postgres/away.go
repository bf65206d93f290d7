package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// Away tells whether a statement failed because the server could not be reached, or could
// not do it at the time. Who asked did nothing wrong, and may ask again.
func Away(err error) bool {
	var unreached *pgconn.ConnectError // which ends by a time of its own
	if errors.As(err, &unreached) && !errors.Is(err, context.Canceled) {
		return true
	}
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code[:min(2, len(e.Code))] { // the class
		case "08", // the connection
			"53", // no more memory, disk or connections
			"57", // an operator, a shutdown, a statement that took too long
			"55": // a lock that could not be had in time
			return true
		}
		return e.Code == "25006" // it was made a standby
	}
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err) // nothing was sent: the connection was closed
}
