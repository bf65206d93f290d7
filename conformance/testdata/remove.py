"""Deletes an object: remove.py BUCKET KEY"""

import sys

import boto3

bucket, key = sys.argv[1:]
boto3.client("s3").delete_object(Bucket=bucket, Key=key)
