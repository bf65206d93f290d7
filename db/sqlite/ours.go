package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// sqliteHeader is how an SQLite file begins: https://www.sqlite.org/fileformat.html.
var sqliteHeader = []byte("SQLite format 3\x00")

// checkOurs refuses a file that is not a Keyhatch database, which has the tables, before anything opens it
// for writing: opening alone would make an empty file, or another program's database,
// one with a write-ahead log.
func checkOurs(ctx context.Context, path string, tables []string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("database %s is missing; `keyhatch init` makes one", path)
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	header := make([]byte, len(sqliteHeader))
	switch {
	case !info.Mode().IsRegular():
		return notOurs(path, "it is not a file")
	case info.Size() == 0:
		return notOurs(path, "it is empty")
	}
	if _, err := io.ReadFull(f, header); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("database: %w", err)
	}
	if !bytes.Equal(header, sqliteHeader) {
		return notOurs(path, "it is not an SQLite file")
	}
	return checkTables(ctx, path, tables)
}

func notOurs(path, why string) error {
	return fmt.Errorf("%s is not a Keyhatch database: %s. It was not changed: name another as `database` of the configuration, or put yours back from a copy", path, why)
}

// Look opens an existing file that has the tables, so that nothing can be written to it.
func Look(ctx context.Context, path string, tables ...string) (*sql.DB, error) {
	if err := checkOurs(ctx, path, tables); err != nil {
		return nil, err
	}
	return look(path)
}

func look(path string) (*sql.DB, error) {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	if log, err := os.Stat(path + "-wal"); err != nil || log.Size() == 0 {
		q.Set("immutable", "1") // nobody writes it, and SQLite puts no files beside it
	}
	p, err := sql.Open("sqlite", fileURL(path, q))
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return p, nil
}

// checkTables looks for the tables, without writing anything.
func checkTables(ctx context.Context, path string, tables []string) error {
	p, err := look(path)
	if err != nil {
		return err
	}
	defer p.Close()
	missing := 0
	for _, table := range tables {
		var found bool
		if err = p.QueryRowContext(ctx, "select exists (select 1 from sqlite_schema where type = 'table' and name = $1)", table).Scan(&found); err != nil {
			break
		}
		if !found {
			missing++
		}
	}
	var failed *driver.Error
	switch {
	case errors.As(err, &failed) && failed.Code()&0xff == codes.SQLITE_NOTADB:
		return notOurs(path, "it is not an SQLite file, or it is encrypted")
	case errors.As(err, &failed) && failed.Code()&0xff == codes.SQLITE_CORRUPT:
		return fmt.Errorf("database %s is damaged: put it back from a copy (%w)", path, err)
	case err != nil:
		return fmt.Errorf("database %s: %w", path, err)
	case missing > 0:
		return notOurs(path, "it is an SQLite file of another program")
	}
	return nil
}

// fileURL is how SQLite is told of a file.
func fileURL(path string, q url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}
