"""Lists objects as JSON, two to a page, so that pages are asked for: list.py BUCKET PREFIX"""

import json
import sys

import boto3

bucket, prefix = sys.argv[1:]
pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(
    Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 2}
)
objects = [
    {"Key": found["Key"], "Size": found["Size"]}
    for page in pages
    for found in page.get("Contents", [])
]
json.dump(objects, sys.stdout)
