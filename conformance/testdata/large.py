"""Moves a large file: large.py BUCKET up FILE KEY | large.py BUCKET down KEY FILE"""

import sys

import boto3

bucket, way, *args = sys.argv[1:]
s3 = boto3.client("s3")
if way == "up":
    file, key = args
    s3.upload_file(file, bucket, key)
else:
    key, file = args
    s3.download_file(bucket, key, file)
