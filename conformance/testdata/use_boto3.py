"""Works on objects with boto3, configured by the environment: use_boto3.py BUCKET.
What it is to do it is told by lines, see answers.py.

What was fetched must agree with what the answer says about it.
"""

import sys

import answers
import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.config import Config

(bucket,) = sys.argv[1:]
s3 = boto3.client("s3")


def read(key, status, **asked):
    answer = s3.get_object(Bucket=bucket, Key=key, **asked)
    body = answer["Body"].read()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    assert len(body) == answer["ContentLength"], f"{len(body)} bytes came, {answer['ContentLength']} were announced"
    return body


def put(file, key):
    with open(file, "rb") as body:
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def get(key, file):
    body = read(key, 200)  # first: what is not there leaves no file
    with open(file, "wb") as out:
        out.write(body)


def get_range(key, first, length):
    return read(key, 206, Range=f"bytes={first}-{int(first) + int(length) - 1}")


def sizes(prefix, **paging):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, PaginationConfig=paging)
    return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", [])}


def sign(method, key):
    # For some regions it would sign in the way before version 4.
    client = boto3.client("s3", config=Config(signature_version="s3v4"))
    return client.generate_presigned_url(method, {"Bucket": bucket, "Key": key}, ExpiresIn=300)


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


def store(pairs):
    with create_transfer_manager(s3, TransferConfig()) as transfers:
        for one in [transfers.upload(file, bucket, key) for key, file in pairs]:
            one.result()


def fetch(pairs):
    with create_transfer_manager(s3, TransferConfig()) as transfers:
        for one in [transfers.download(bucket, key, file) for key, file in pairs]:
            one.result()


def remove(keys):
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert "Errors" not in answer, answer


answers.serve(
    {
        "put": put,
        "get": get,
        "range": get_range,
        "list": lambda prefix: answers.listing(sizes(prefix, PageSize=2)),  # so that pages are asked for
        "remove": lambda key: s3.delete_object(Bucket=bucket, Key=key),
        "copy": lambda source, target: s3.copy_object(Bucket=bucket, Key=target, CopySource={"Bucket": bucket, "Key": source}),
        "up": lambda file, key: s3.upload_file(file, bucket, key),
        "down": lambda key, file: s3.download_file(bucket, key, file),
        "sign-get": lambda key: sign("get_object", key),
        "sign-put": lambda key: sign("put_object", key),
        "move": move,
        **answers.syncing(sizes, store, fetch, remove),
    }
)
