"""Fetches an object, or a part of it: get.py BUCKET KEY FILE|- [RANGE]

What was fetched must agree with what the answer says about it.
"""

import sys

import boto3

bucket, key, file, *part = sys.argv[1:]
asked = {"Range": part[0]} if part else {}
answer = boto3.client("s3").get_object(Bucket=bucket, Key=key, **asked)
body = answer["Body"].read()

status = answer["ResponseMetadata"]["HTTPStatusCode"]
if status != (206 if part else 200):
    sys.exit(f"status is {status}")
if len(body) != answer["ContentLength"]:
    sys.exit(f"{len(body)} bytes came, {answer['ContentLength']} were announced")

if file == "-":
    sys.stdout.buffer.write(body)
else:
    with open(file, "wb") as out:
        out.write(body)
