"""Runs a script of DuckDB's, from standard input, and prints what its last query
finds. What the script installs is there already: nothing is fetched."""

import pathlib
import sys

import duckdb
import duckdb_extension_aws
import duckdb_extension_httpfs

db = duckdb.connect(config={"extension_directory": str(pathlib.Path.home() / "extensions")})
for package, name in (duckdb_extension_httpfs, "httpfs"), (duckdb_extension_aws, "aws"):
    folder = pathlib.Path(package.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    db.execute(f"INSTALL '{folder / name}.duckdb_extension'")
for row in db.execute(sys.stdin.read()).fetchall():
    print(*row)
