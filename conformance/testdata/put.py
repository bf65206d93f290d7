"""Stores a file: put.py BUCKET FILE KEY"""

import sys

import boto3

bucket, file, key = sys.argv[1:]
with open(file, "rb") as body:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
