-- Programs since 0034 go on working.
--
-- The oldest program, named by the migration that it ends with, that goes on working with
-- the schema of the row. Null: of a migration from before it was written down.
alter table schema_migrations add column oldest bigint;
