"""Prints a URL that allows an operation on an object for a while:
presign.py BUCKET get_object|put_object KEY"""

import sys

import boto3
from botocore.config import Config

bucket, operation, key = sys.argv[1:]
client = boto3.client("s3", config=Config(signature_version="s3v4"))
print(client.generate_presigned_url(operation, {"Bucket": bucket, "Key": key}, ExpiresIn=300))
