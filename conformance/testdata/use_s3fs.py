"""Works on objects with s3fs, configured by the environment:
use_s3fs.py put BUCKET FILE KEY | get BUCKET KEY FILE | range BUCKET KEY FIRST LENGTH |
list BUCKET PREFIX | remove BUCKET KEY | copy BUCKET KEY KEY | up BUCKET FILE KEY |
down BUCKET KEY FILE | folder-up BUCKET FOLDER PREFIX | folder-down BUCKET PREFIX FOLDER |
clear BUCKET PREFIX | sign-get BUCKET KEY

A large file goes up in parts by itself.
"""

import json
import sys

import s3fs

operation, bucket, *args = sys.argv[1:]
# Nothing is asked twice: neither from memory, nor again after a failure.
fs = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
fs.retries = 1

if operation in ("put", "up"):
    file, key = args
    fs.put_file(file, f"{bucket}/{key}")
elif operation in ("get", "down"):
    key, file = args
    fs.get_file(f"{bucket}/{key}", file)
elif operation == "range":
    key, first, length = args
    sys.stdout.buffer.write(fs.cat_file(f"{bucket}/{key}", start=int(first), end=int(first) + int(length)))
elif operation == "list":
    found = fs.find(f"{bucket}/{args[0]}", detail=True)
    json.dump([{"Key": path.removeprefix(bucket + "/"), "Size": info["size"]} for path, info in found.items()], sys.stdout)
elif operation == "remove":
    fs.rm_file(f"{bucket}/{args[0]}")
elif operation == "copy":
    source, target = args
    fs.cp_file(f"{bucket}/{source}", f"{bucket}/{target}")
elif operation == "folder-up":
    folder, prefix = args
    fs.put(f"{folder}/", f"{bucket}/{prefix}", recursive=True)
elif operation == "folder-down":
    prefix, folder = args
    fs.get(f"{bucket}/{prefix}", f"{folder}/", recursive=True)
elif operation == "clear":
    fs.rm(f"{bucket}/{args[0]}", recursive=True)
elif operation == "sign-get":
    print(fs.sign(f"{bucket}/{args[0]}", expiration=300))
else:
    sys.exit(f"no such operation: {operation}")
