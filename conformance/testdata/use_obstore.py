"""Works on objects with obstore, configured by the environment:
use_obstore.py put BUCKET FILE KEY | get BUCKET KEY FILE | range BUCKET KEY FIRST LENGTH |
list BUCKET PREFIX | remove BUCKET KEY | copy BUCKET KEY KEY | up BUCKET FILE KEY |
down BUCKET KEY FILE | sign-get BUCKET KEY | sign-put BUCKET KEY

A large file goes up in parts by itself.
"""

import json
import os
import sys
from datetime import timedelta

import obstore
from obstore.store import S3Store

operation, bucket, *args = sys.argv[1:]
options = {"allow_http": os.environ["AWS_ENDPOINT_URL_S3"].startswith("http:")}
if "AWS_CA_BUNDLE" in os.environ:
    with open(os.environ["AWS_CA_BUNDLE"]) as certificates:
        options["root_certificate"] = certificates.read()
store = S3Store(
    bucket,
    # It knows this variable by the name without the service only.
    endpoint=os.environ["AWS_ENDPOINT_URL_S3"],
    client_options=options,
    retry_config={"max_retries": 0},
)

if operation in ("put", "up"):
    file, key = args
    with open(file, "rb") as body:
        store.put(key, body)
elif operation in ("get", "down"):
    key, file = args
    answer = store.get(key)  # first: what is not there leaves no file
    with open(file, "wb") as out:
        for chunk in answer.stream():
            out.write(chunk)
elif operation == "range":
    key, first, length = args
    sys.stdout.buffer.write(store.get_range(key, start=int(first), length=int(length)))
elif operation == "list":
    found = [meta for page in store.list(args[0]) for meta in page]
    json.dump([{"Key": meta["path"], "Size": meta["size"]} for meta in found], sys.stdout)
elif operation == "remove":
    store.delete(args[0])
elif operation == "copy":
    store.copy(*args)
elif operation in ("sign-get", "sign-put"):
    print(obstore.sign(store, operation.removeprefix("sign-").upper(), args[0], timedelta(minutes=5)))
else:
    sys.exit(f"no such operation: {operation}")
