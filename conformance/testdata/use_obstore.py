"""Works on objects with obstore, configured by the environment: use_obstore.py BUCKET.
What it is to do it is told by lines, see answers.py.

A large file goes up in parts by itself.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import answers
import obstore
from obstore.store import S3Store

(bucket,) = sys.argv[1:]
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
pool = ThreadPoolExecutor(8)


def put(file, key):
    with open(file, "rb") as body:
        store.put(key, body)


def get(key, file):
    answer = store.get(key)  # first: what is not there leaves no file
    with open(file, "wb") as out:
        for chunk in answer.stream():
            out.write(chunk)


def get_range(key, first, length):
    return bytes(store.get_range(key, start=int(first), length=int(length)))


def sizes(prefix):
    return {meta["path"]: meta["size"] for page in store.list(prefix) for meta in page}


def sign(method, key):
    return obstore.sign(store, method, key, timedelta(minutes=5))


def put_all(pairs):
    list(pool.map(lambda pair: put(pair[1], pair[0]), pairs))


def get_all(pairs):
    list(pool.map(lambda pair: get(*pair), pairs))


answers.serve(
    {
        "put": put,
        "get": get,
        "range": get_range,
        "list": lambda prefix: answers.listing(sizes(prefix)),
        "remove": store.delete,
        "copy": store.copy,
        "up": put,
        "down": get,
        "sign-get": lambda key: sign("GET", key),
        "sign-put": lambda key: sign("PUT", key),
        **answers.syncing(sizes, put_all, get_all, store.delete),
    }
)
