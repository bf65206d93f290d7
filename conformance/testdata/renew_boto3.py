"""Stores and fetches an object again and again with one client of boto3, configured
by the environment: renew_boto3.py SECONDS BUCKET PREFIX"""

import sys
import time

import boto3

seconds, bucket, prefix = sys.argv[1:]
end = time.monotonic() + float(seconds)
s3 = boto3.client("s3")
rounds = 0
while time.monotonic() < end:
    body = b"round %d" % rounds
    s3.put_object(Bucket=bucket, Key=prefix + "round.txt", Body=body)
    if s3.get_object(Bucket=bucket, Key=prefix + "round.txt")["Body"].read() != body:
        sys.exit(f"round {rounds}: something else came back")
    rounds += 1
    time.sleep(2)
print(rounds)
