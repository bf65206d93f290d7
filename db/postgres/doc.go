// Package postgres is the database engine of many machines: PostgreSQL 14 or later,
// through pgx. It knows no table.
package postgres
