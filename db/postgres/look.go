package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/keyhatch/keyhatch/db/engine"
)

// Look opens a database that has the tables, on one connection that cannot write.
func Look(ctx context.Context, address string, tables ...string) (*sql.DB, error) {
	p, err := pool(ctx, address, timesOf(engine.Limits{}), 1, false)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := has(ctx, p, tables); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Server tells how the server is set up.
func Server(ctx context.Context, p *sql.DB) (*engine.Server, error) {
	var s engine.Server
	var forgetful string
	err := p.QueryRowContext(ctx, `select current_setting('server_version'), clock_timestamp(), current_setting('max_connections')::int,
		(select count(*) from pg_stat_activity where backend_type = 'client backend'),
		(select coalesce(string_agg(name, ' ' order by name), '') from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off')`).
		Scan(&s.Version, &s.At, &s.Connections, &s.Taken, &forgetful)
	s.Forgetful = strings.Fields(forgetful)
	return &s, err
}
