"""Moves a large file up, copies it, moves the copy down, and removes both:
transfer.py BUCKET PREFIX FILE BACK"""

import sys

import boto3

bucket, prefix, file, back = sys.argv[1:]
s3 = boto3.client("s3")
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
