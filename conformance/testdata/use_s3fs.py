"""Works on objects with s3fs, configured by the environment: use_s3fs.py BUCKET.
What it is to do it is told by lines, see answers.py.

A large file goes up in parts by itself.
"""

import sys

import answers
import s3fs

(bucket,) = sys.argv[1:]
# Nothing is asked twice: neither from memory, nor again after a failure.
fs = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
fs.retries = 1


def path(key):
    return f"{bucket}/{key}"


def sizes(prefix):
    found = fs.find(path(prefix), detail=True)
    return {name.removeprefix(bucket + "/"): info["size"] for name, info in found.items()}


def get_range(key, first, length):
    return fs.cat_file(path(key), start=int(first), end=int(first) + int(length))


def put(file, key):
    fs.put_file(file, path(key))


def get(key, file):
    fs.get_file(path(key), file)


stored = False


def known(prefix):
    # Of a folder without files it asks whether it is an object, which no lease for the
    # folder opens.
    return sizes(prefix) if stored else {}


def store(pairs):
    global stored
    fs.put([file for _, file in pairs], [path(key) for key, _ in pairs])
    stored = True


def fetch(pairs):
    fs.get([path(key) for key, _ in pairs], [file for _, file in pairs])


def remove(keys):
    fs.rm([path(key) for key in keys])


answers.serve(
    {
        "put": put,
        "get": get,
        "range": get_range,
        "list": lambda prefix: answers.listing(sizes(prefix)),
        "remove": lambda key: fs.rm_file(path(key)),
        "copy": lambda source, target: fs.cp_file(path(source), path(target)),
        "up": put,
        "down": get,
        "folder-up": lambda folder, prefix: fs.put(f"{folder}/", path(prefix), recursive=True),
        "folder-down": lambda prefix, folder: fs.get(path(prefix), f"{folder}/", recursive=True),
        "clear": lambda prefix: fs.rm(path(prefix), recursive=True),
        "sign-get": lambda key: fs.sign(path(key), expiration=300),
        **answers.syncing(known, store, fetch, remove),
    }
)
