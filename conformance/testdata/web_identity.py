"""Reads an object with the keys that boto3 fetches by itself, before and after
they have expired: web_identity.py BUCKET KEY"""

import datetime
import sys

import boto3

bucket, key = sys.argv[1:]
session = boto3.Session()
s3 = session.client("s3")
credentials = session.get_credentials()
print(credentials.method)
for _ in range(2):
    s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    print(credentials.get_frozen_credentials().access_key)
    # As if they had expired: botocore looks at the time before every request, and
    # keeps what it fetched until then.
    credentials._expiry_time = datetime.datetime.now(datetime.timezone.utc)
    credentials._refresh_using.__self__._cache.clear()
