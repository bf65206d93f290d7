"""Prints a URL that opens an object for a while: presign.py BUCKET KEY"""

import sys

import boto3
from botocore.config import Config

bucket, key = sys.argv[1:]
client = boto3.client("s3", config=Config(signature_version="s3v4"))
print(client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=300))
