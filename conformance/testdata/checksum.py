"""Moves a large file up in parts with a checksum of the whole of it, which the
store has to find again: checksum.py BUCKET KEY FILE"""

import base64
import sys
import zlib

import boto3

bucket, key, file = sys.argv[1:]
s3 = boto3.client("s3")
with open(file, "rb") as f:
    crc = base64.b64encode(zlib.crc32(f.read()).to_bytes(4, "big")).decode()
try:
    s3.upload_file(file, bucket, key, ExtraArgs={"ChecksumCRC32": "AAAAAA=="})
    raise AssertionError("another checksum was accepted")
except boto3.exceptions.S3UploadFailedError as e:
    assert "BadDigest" in str(e), e
s3.upload_file(file, bucket, key, ExtraArgs={"ChecksumCRC32": crc})
head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
assert "-" in head["ETag"], "it went up in one piece"
assert (head.get("ChecksumCRC32"), head.get("ChecksumType")) == (crc, "FULL_OBJECT"), head
told = s3.get_object_attributes(Bucket=bucket, Key=key, ObjectAttributes=["Checksum"])
assert told["Checksum"] == {"ChecksumCRC32": crc, "ChecksumType": "FULL_OBJECT"}, told
