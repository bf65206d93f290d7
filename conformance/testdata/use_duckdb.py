"""Works on objects with DuckDB, configured by a secret of DuckDB's:
use_duckdb.py put BUCKET FILE KEY | get BUCKET KEY FILE | list BUCKET PREFIX |
up BUCKET FILE KEY | down BUCKET KEY FILE | query BUCKET SQL

A large file goes up in parts by itself.

A query's result is printed as JSON, a list of rows; {bucket} in it is the bucket.
DuckDB deletes no objects.
"""

import json
import os
import pathlib
import sys
from urllib.parse import urlsplit

import duckdb
import duckdb_extension_httpfs

operation, bucket, *args = sys.argv[1:]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def url(key):
    return quoted(f"s3://{bucket}/{key}")


extension = pathlib.Path(duckdb_extension_httpfs.__file__).parent.joinpath(
    "extensions", f"v{duckdb.__version__}", "httpfs.duckdb_extension"
)
endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_S3"])
db = duckdb.connect()
db.execute("SET autoinstall_known_extensions = false")
db.execute(f"LOAD {quoted(str(extension))}")
db.execute("SET http_retries = 0")
db.execute("SET enable_server_cert_verification = true")  # which it does not do by itself
if "AWS_CA_BUNDLE" in os.environ:
    db.execute(f"SET ca_cert_file = {quoted(os.environ['AWS_CA_BUNDLE'])}")
token = os.environ.get("AWS_SESSION_TOKEN")
db.execute(
    f"""CREATE SECRET (TYPE s3,
        KEY_ID {quoted(os.environ["AWS_ACCESS_KEY_ID"])},
        SECRET {quoted(os.environ["AWS_SECRET_ACCESS_KEY"])},
        {f"SESSION_TOKEN {quoted(token)}," if token else ""}
        REGION {quoted(os.environ["AWS_REGION"])},
        ENDPOINT {quoted(endpoint.netloc)},
        URL_STYLE 'path',
        USE_SSL {endpoint.scheme == "https"})"""
)

if operation in ("put", "up"):
    file, key = args
    db.execute(f"COPY (SELECT content FROM read_blob({quoted(file)})) TO {url(key)} (FORMAT blob)")
elif operation in ("get", "down"):
    key, file = args
    ((body,),) = db.execute(f"SELECT content FROM read_blob({url(key)})").fetchall()
    with open(file, "wb") as out:
        out.write(body)
elif operation == "list":
    rows = db.execute(f"SELECT filename, size FROM read_blob({url(args[0] + '**')})").fetchall()
    json.dump([{"Key": name.removeprefix(f"s3://{bucket}/"), "Size": size} for name, size in rows], sys.stdout)
elif operation == "query":
    json.dump(db.execute(args[0].replace("{bucket}", bucket)).fetchall(), sys.stdout, default=str)
else:
    sys.exit(f"no such operation: {operation}")
