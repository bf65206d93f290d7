"""Works on objects with s3fs, configured by the environment:
use_s3fs.py put BUCKET FILE KEY | get BUCKET KEY FILE | range BUCKET KEY FIRST LENGTH |
list BUCKET PREFIX | remove BUCKET KEY
"""

import json
import sys

import s3fs

operation, bucket, *args = sys.argv[1:]
# Nothing is asked twice: neither from memory, nor again after a failure.
fs = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
fs.retries = 1

if operation == "put":
    file, key = args
    fs.put_file(file, f"{bucket}/{key}")
elif operation == "get":
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
else:
    sys.exit(f"no such operation: {operation}")
