package postgres_test

import (
	"database/sql"
	"net"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/keyhatch/keyhatch/db/postgres"
)

// TestSilentHostIsAway: a server that takes a connection and says nothing is away. It was
// taken for a question that had run out of its own time, and callers heard of a fault.
func TestSilentHostIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent, err := sql.Open("pgx", "postgres://nobody@"+l.Addr().String()+"/x?sslmode=disable&connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := silent.PingContext(t.Context()); !postgres.Away(err) {
		t.Errorf("it is not away: %v", err)
	}
}
