"""Works on objects with boto3, configured by the environment:
use_boto3.py put BUCKET FILE KEY | get BUCKET KEY FILE | range BUCKET KEY FIRST LENGTH |
list BUCKET PREFIX | remove BUCKET KEY | copy BUCKET KEY KEY | up BUCKET FILE KEY |
down BUCKET KEY FILE | sign-get BUCKET KEY | sign-put BUCKET KEY | move BUCKET PREFIX FILE BACK

What was fetched must agree with what the answer says about it.
"""

import json
import sys

import boto3
from botocore.config import Config

operation, bucket, *args = sys.argv[1:]
s3 = boto3.client("s3")


def read(key, status, **asked):
    answer = s3.get_object(Bucket=bucket, Key=key, **asked)
    body = answer["Body"].read()
    if answer["ResponseMetadata"]["HTTPStatusCode"] != status:
        sys.exit(f"status is {answer['ResponseMetadata']['HTTPStatusCode']}")
    if len(body) != answer["ContentLength"]:
        sys.exit(f"{len(body)} bytes came, {answer['ContentLength']} were announced")
    return body


def sign(method, key):
    # For some regions it would sign in the way before version 4.
    client = boto3.client("s3", config=Config(signature_version="s3v4"))
    print(client.generate_presigned_url(method, {"Bucket": bucket, "Key": key}, ExpiresIn=300))


def move(prefix, file, back):
    """Moves a large file up, copies it, moves the copy down, and removes both."""
    one, two = prefix + "one.bin", prefix + "two.bin"

    s3.upload_file(file, bucket, one)
    assert "-" in s3.head_object(Bucket=bucket, Key=one)["ETag"], "it went up in one piece"
    s3.copy({"Bucket": bucket, "Key": one}, bucket, two)
    s3.download_file(bucket, two, back)

    s3.put_object_tagging(Bucket=bucket, Key=one, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    tags = s3.get_object_tagging(Bucket=bucket, Key=one)["TagSet"]
    assert tags == [{"Key": "k", "Value": "v"}], tags

    answer = s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": one}, {"Key": two}, {"Key": "beta/README.txt"}]},
    )
    assert sorted(d["Key"] for d in answer["Deleted"]) == [one, two], answer
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("beta/README.txt", "AccessDenied")], answer
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)


if operation == "put":
    file, key = args
    with open(file, "rb") as body:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
elif operation == "get":
    key, file = args
    body = read(key, 200)  # first: what is not there leaves no file
    with open(file, "wb") as out:
        out.write(body)
elif operation == "range":
    key, first, length = args
    last = int(first) + int(length) - 1
    sys.stdout.buffer.write(read(key, 206, Range=f"bytes={first}-{last}"))
elif operation == "list":
    # Two to a page, so that pages are asked for.
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=args[0], PaginationConfig={"PageSize": 2}
    )
    found = [one for page in pages for one in page.get("Contents", [])]
    json.dump([{"Key": one["Key"], "Size": one["Size"]} for one in found], sys.stdout)
elif operation == "remove":
    s3.delete_object(Bucket=bucket, Key=args[0])
elif operation == "copy":
    source, target = args
    s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source})
elif operation == "up":
    file, key = args
    s3.upload_file(file, bucket, key)
elif operation == "down":
    key, file = args
    s3.download_file(bucket, key, file)
elif operation == "sign-get":
    sign("get_object", args[0])
elif operation == "sign-put":
    sign("put_object", args[0])
elif operation == "move":
    move(*args)
else:
    sys.exit(f"no such operation: {operation}")
