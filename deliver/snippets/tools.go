package snippets

// tools are the snippets, as their tools want them in 2026. The real tools run them in
// conformance/. The delimiters are ‹ ›, because braces mean something in most of the
// languages.
var tools = []tool{
	{
		name: "boto3",
		profile: `
import boto3

s3 = boto3.Session(profile_name=‹py .Profile›).client("s3")
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=‹py .Bucket›, Prefix=‹py .Prefix›):
    for item in page.get("Contents", []):
        print(item["Size"], item["Key"])
`,
		values: `
import boto3

s3 = boto3.client(
    "s3",
    endpoint_url=‹py .Endpoint›,
    region_name=‹py .Region›,
    aws_access_key_id=‹py .AccessKeyID›,
    aws_secret_access_key=‹py .SecretAccessKey›,
    aws_session_token=‹py .SessionToken›,
)
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=‹py .Bucket›, Prefix=‹py .Prefix›):
    for item in page.get("Contents", []):
        print(item["Size"], item["Key"])
`,
	},
	{
		// The extension aws runs the profile's command; when S3 refuses what has ended as a
		// file is opened, DuckDB (1.2.2 and later) has it run again and goes on. When it
		// lists or writes it does not, up to 1.5 at least.
		name: "duckdb",
		profile: `
INSTALL httpfs; LOAD httpfs;
INSTALL aws; LOAD aws;
-- Renewed when a file is read that a query names, but not by a list (**) or a COPY … TO:
-- run this again before those in a session of hours.
CREATE OR REPLACE SECRET keyhatch (
    TYPE s3, PROVIDER credential_chain, CHAIN 'process', PROFILE ‹sql .Profile›, REFRESH auto,
    ENDPOINT ‹sql .Host›, USE_SSL ‹.TLS›, URL_STYLE 'path', REGION ‹sql .Region›, SCOPE ‹sql .URL›
);
SELECT filename, size FROM read_blob(‹sql (add .URL "**")›);
`,
		values: `
INSTALL httpfs; LOAD httpfs;
CREATE OR REPLACE SECRET keyhatch (
    TYPE s3, KEY_ID ‹sql .AccessKeyID›, SECRET ‹sql .SecretAccessKey›, SESSION_TOKEN ‹sql .SessionToken›,
    ENDPOINT ‹sql .Host›, USE_SSL ‹.TLS›, URL_STYLE 'path', REGION ‹sql .Region›, SCOPE ‹sql .URL›
);
SELECT filename, size FROM read_blob(‹sql (add .URL "**")›);
`,
	},
	{
		// GDAL reads keys from profiles, but runs no command for them. Under Run it asks
		// the container endpoint, and renews.
		name: "gdal",
		values: `
export AWS_ACCESS_KEY_ID=‹sh .AccessKeyID›
export AWS_SECRET_ACCESS_KEY=‹sh .SecretAccessKey›
export AWS_SESSION_TOKEN=‹sh .SessionToken›
export AWS_REGION=‹sh .Region›
export AWS_S3_ENDPOINT=‹sh .Host›
export AWS_HTTPS=‹if .TLS›YES‹else›NO‹end›
export AWS_VIRTUAL_HOSTING=FALSE
# then: gdalinfo ‹sh (add "/vsis3/" (add .Bucket (add "/" .Prefix)))›…
`,
	},
	{
		name: "rclone",
		profile: `
export RCLONE_CONFIG_KEYHATCH_TYPE=s3
export RCLONE_CONFIG_KEYHATCH_PROVIDER=Other
export RCLONE_CONFIG_KEYHATCH_ENV_AUTH=true
export RCLONE_CONFIG_KEYHATCH_PROFILE=‹sh .Profile›
export RCLONE_CONFIG_KEYHATCH_ENDPOINT=‹sh .Endpoint›
export RCLONE_CONFIG_KEYHATCH_REGION=‹sh .Region›
export RCLONE_CONFIG_KEYHATCH_NO_CHECK_BUCKET=true
rclone lsl keyhatch:‹sh (add .Bucket (add "/" .Prefix))›
`,
		values: `
export RCLONE_CONFIG_KEYHATCH_TYPE=s3
export RCLONE_CONFIG_KEYHATCH_PROVIDER=Other
export RCLONE_CONFIG_KEYHATCH_ACCESS_KEY_ID=‹sh .AccessKeyID›
export RCLONE_CONFIG_KEYHATCH_SECRET_ACCESS_KEY=‹sh .SecretAccessKey›
export RCLONE_CONFIG_KEYHATCH_SESSION_TOKEN=‹sh .SessionToken›
export RCLONE_CONFIG_KEYHATCH_ENDPOINT=‹sh .Endpoint›
export RCLONE_CONFIG_KEYHATCH_REGION=‹sh .Region›
export RCLONE_CONFIG_KEYHATCH_NO_CHECK_BUCKET=true
rclone lsl keyhatch:‹sh (add .Bucket (add "/" .Prefix))›
`,
	},
	{
		name: "s3fs",
		profile: `
import s3fs

fs = s3fs.S3FileSystem(profile=‹py .Profile›, endpoint_url=‹py .Endpoint›)
for path, info in fs.find(‹py (add .Bucket (add "/" .Prefix))›, detail=True).items():
    print(info["size"], path)
`,
		values: `
import s3fs

fs = s3fs.S3FileSystem(
    endpoint_url=‹py .Endpoint›,
    key=‹py .AccessKeyID›,
    secret=‹py .SecretAccessKey›,
    token=‹py .SessionToken›,
    client_kwargs={"region_name": ‹py .Region›},
)
for path, info in fs.find(‹py (add .Bucket (add "/" .Prefix))›, detail=True).items():
    print(info["size"], path)
`,
	},
	{
		// The SDK's own provider runs the command. It takes the profile's name from the
		// environment, which the driver and the executors must both have. The star is
		// because of S3A: asked for a folder it looks for an object of that name first,
		// which lies outside the lease.
		name: "spark",
		profile: `
import os
import re

import pyspark
from pyspark.sql import SparkSession

jars = " ".join(os.listdir(os.path.join(pyspark.__path__[0], "jars")))
hadoop = re.search(r"hadoop-client-api-(\S+)\.jar", jars).group(1)
os.environ["AWS_PROFILE"] = ‹py .Profile›
spark = (
    SparkSession.builder
    .config("spark.jars.packages", "org.apache.hadoop:hadoop-aws:" + hadoop)
    .config("spark.executorEnv.AWS_PROFILE", ‹py .Profile›)
    .config("spark.hadoop.fs.s3a.aws.credentials.provider", "software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider")
    .config("spark.hadoop.fs.s3a.endpoint", ‹py .Endpoint›)
    .config("spark.hadoop.fs.s3a.endpoint.region", ‹py .Region›)
    .config("spark.hadoop.fs.s3a.path.style.access", "true")
    .getOrCreate()
)
files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(‹py (add "s3a://" (add .Bucket (add "/" (add .Prefix "*"))))›)
files.select("length", "path").show(truncate=False)
`,
		values: `
import os
import re

import pyspark
from pyspark.sql import SparkSession

jars = " ".join(os.listdir(os.path.join(pyspark.__path__[0], "jars")))
hadoop = re.search(r"hadoop-client-api-(\S+)\.jar", jars).group(1)
spark = (
    SparkSession.builder
    .config("spark.jars.packages", "org.apache.hadoop:hadoop-aws:" + hadoop)
    .config("spark.hadoop.fs.s3a.aws.credentials.provider", "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider")
    .config("spark.hadoop.fs.s3a.access.key", ‹py .AccessKeyID›)
    .config("spark.hadoop.fs.s3a.secret.key", ‹py .SecretAccessKey›)
    .config("spark.hadoop.fs.s3a.session.token", ‹py .SessionToken›)
    .config("spark.hadoop.fs.s3a.endpoint", ‹py .Endpoint›)
    .config("spark.hadoop.fs.s3a.endpoint.region", ‹py .Region›)
    .config("spark.hadoop.fs.s3a.path.style.access", "true")
    .getOrCreate()
)
files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(‹py (add "s3a://" (add .Bucket (add "/" (add .Prefix "*"))))›)
files.select("length", "path").show(truncate=False)
`,
	},
	{
		// Of its two ways to files, the one over fsspec knows profiles and renews.
		name: "pyiceberg",
		profile: `
from pyiceberg.catalog import load_catalog

catalog = load_catalog(
    "keyhatch",
    type="sql",
    uri="sqlite:///catalog.db",  # your own catalog here
    warehouse=‹py .URL›,
    **{
        "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",
        "s3.profile-name": ‹py .Profile›,
        "s3.endpoint": ‹py .Endpoint›,
        "s3.region": ‹py .Region›,
    },
)
`,
		values: `
from pyiceberg.catalog import load_catalog

catalog = load_catalog(
    "keyhatch",
    type="sql",
    uri="sqlite:///catalog.db",  # your own catalog here
    warehouse=‹py .URL›,
    **{
        "s3.endpoint": ‹py .Endpoint›,
        "s3.region": ‹py .Region›,
        "s3.access-key-id": ‹py .AccessKeyID›,
        "s3.secret-access-key": ‹py .SecretAccessKey›,
        "s3.session-token": ‹py .SessionToken›,
    },
)
`,
	},
	{
		// Terraform's state, and OpenTofu's. What is skipped are questions to Amazon.
		name: "terraform",
		profile: `
terraform {
  backend "s3" {
    bucket                      = ‹hcl .Bucket›
    key                         = ‹hcl (add .Prefix "terraform.tfstate")›
    region                      = ‹hcl .Region›
    profile                     = ‹hcl .Profile›
    endpoints                   = { s3 = ‹hcl .Endpoint› }
    use_path_style              = true
    use_lockfile                = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }
}
`,
		values: `
terraform {
  backend "s3" {
    bucket                      = ‹hcl .Bucket›
    key                         = ‹hcl (add .Prefix "terraform.tfstate")›
    region                      = ‹hcl .Region›
    access_key                  = ‹hcl .AccessKeyID›
    secret_key                  = ‹hcl .SecretAccessKey›
    token                       = ‹hcl .SessionToken›
    endpoints                   = { s3 = ‹hcl .Endpoint› }
    use_path_style              = true
    use_lockfile                = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }
}
`,
	},
}
