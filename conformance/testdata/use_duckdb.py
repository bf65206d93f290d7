"""Works on objects with DuckDB, configured by a secret of DuckDB's: use_duckdb.py BUCKET.
What it is to do it is told by lines, see answers.py.

A large file goes up in parts by itself.

A query's result is JSON, a list of rows; {bucket} in it is the bucket. DuckDB deletes
no objects.
"""

import json
import os
import pathlib
import sys
from urllib.parse import urlsplit

import answers
import duckdb
import duckdb_extension_httpfs

(bucket,) = sys.argv[1:]


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
db.execute("SET enable_external_file_cache = false")  # nothing is read from memory
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



def put(file, key):
    db.execute(f"COPY (SELECT content FROM read_blob({quoted(file)})) TO {url(key)} (FORMAT blob)")


def get(key, file):
    ((body,),) = db.execute(f"SELECT content FROM read_blob({url(key)})").fetchall()
    with open(file, "wb") as out:
        out.write(body)


def sizes(prefix):
    rows = db.execute(f"SELECT filename, size FROM read_blob({url(prefix + '**')})").fetchall()
    return {name.removeprefix(f"s3://{bucket}/"): size for name, size in rows}


def query(sql):
    return json.dumps(db.execute(sql.replace("{bucket}", bucket)).fetchall(), default=str)


def put_all(pairs):
    for key, file in pairs:
        put(file, key)


def get_all(pairs):
    """Reads them with one query, as DuckDB reads the parts of a table."""
    files = dict(pairs)
    keys = ", ".join(map(url, files))
    for name, body in db.execute(f"SELECT filename, content FROM read_blob([{keys}])").fetchall():
        with open(files[name.removeprefix(f"s3://{bucket}/")], "wb") as out:
            out.write(body)


answers.serve(
    {
        "put": put,
        "get": get,
        "list": lambda prefix: answers.listing(sizes(prefix)),
        "up": put,
        "down": get,
        "query": query,
        **answers.syncing(sizes, put_all, get_all, None),
    }
)
