"""Runs a query again and again on one connection of DuckDB, whose secret takes what it
needs by itself: renew_duckdb.py SECONDS ENDPOINT URL [OPTION OF THE SECRET]...

It reads a file that it names: DuckDB 1.5 renews a secret when it opens one, and
neither when it lists nor when it writes."""

import pathlib
import sys
import time
from urllib.parse import urlsplit

import duckdb
import duckdb_extension_aws
import duckdb_extension_httpfs

seconds, endpoint, url, *options = sys.argv[1:]
end = time.monotonic() + float(seconds)
endpoint = urlsplit(endpoint)
db = duckdb.connect()
db.execute("SET autoinstall_known_extensions = false")
for package, name in (duckdb_extension_httpfs, "httpfs"), (duckdb_extension_aws, "aws"):
    folder = pathlib.Path(package.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    db.execute(f"LOAD '{folder / name}.duckdb_extension'")
db.execute("SET http_retries = 0")
db.execute(
    f"""CREATE SECRET (TYPE s3, PROVIDER credential_chain, REFRESH auto, {"".join(o + ", " for o in options)}
        ENDPOINT '{endpoint.netloc}', USE_SSL {endpoint.scheme == "https"}, URL_STYLE 'path', REGION 'us-east-1')"""
)
rounds = 0
while time.monotonic() < end:
    ((size,),) = db.execute(f"SELECT size FROM read_blob('{url}')").fetchall()
    if not size:
        sys.exit(f"round {rounds}: it is empty")
    rounds += 1
    time.sleep(2)
print(rounds)
