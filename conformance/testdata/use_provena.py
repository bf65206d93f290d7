"""Uses Provena's client for Python as its users do: use_provena.py.

Where the data store and the realm are, how the client logs in there, and the dataset, is in
the environment. Each line of the input is WHO STEP, and is answered with one JSON document
on a line. The client logs in by itself; with the device flow it prints on other lines where
its user has to go.
"""

import asyncio
import json
import os
import sys

import boto3
from botocore.exceptions import ClientError
from ProvenaInterfaces.DataStoreAPI import CredentialsRequest, PresignedURLRequest
from provenaclient import ProvenaClient
from provenaclient.auth import DeviceFlow, OfflineFlow
from provenaclient.utils.config import APIOverrides, Config


def new_client(who):
    config = Config(
        domain="example.org",
        realm_name="lab",
        api_overrides=APIOverrides(
            datastore_api_endpoint_override=os.environ["PROVENA_DATA_STORE"],
            keycloak_endpoint_override=os.environ["PROVENA_REALM"],
        ),
    )
    if os.environ["PROVENA_FLOW"] == "device":
        auth = DeviceFlow(config=config, client_id="client-tools")
    else:
        auth = OfflineFlow(config=config, client_id="client-tools", offline_token=who)
    return ProvenaClient(config=config, auth=auth)


def store(made):
    """The S3 client that the client's own is, but for the endpoint, which it cannot name."""
    keys = made.credentials
    return boto3.client(
        "s3",
        endpoint_url=os.environ["PROVENA_S3"],
        region_name=os.environ["PROVENA_REGION"],
        aws_access_key_id=keys.aws_access_key_id,
        aws_secret_access_key=keys.aws_secret_access_key,
        aws_session_token=keys.aws_session_token,
    )


async def health(client, dataset):
    return {"message": (await client.datastore.get_health_check()).message}


async def fetch(client, dataset):
    got = await client.datastore.fetch_dataset(id=dataset)
    item = got.item
    return {
        "id": item.id,
        "uri": item.s3.s3_uri,
        "name": item.collection_format.dataset_info.name,
        "release": item.release_status.value,
        "roles": sorted(got.roles),
        "locked": got.locked,
    }


async def read(client, dataset):
    made = await client.datastore.generate_read_access_credentials(CredentialsRequest(dataset_id=dataset, console_session_required=True))
    item = (await client.datastore.fetch_dataset(id=dataset)).item
    listed = store(made).list_objects_v2(Bucket=item.s3.bucket_name, Prefix=item.s3.path)
    return {
        "console": made.console_session_url,
        "expiry": made.credentials.expiry.isoformat(),
        "keys": [o["Key"] for o in listed["Contents"]],
    }


async def write(client, dataset):
    made = await client.datastore.generate_write_access_credentials(CredentialsRequest(dataset_id=dataset, console_session_required=False))
    item = (await client.datastore.fetch_dataset(id=dataset)).item
    store(made).put_object(Bucket=item.s3.bucket_name, Key=item.s3.path + "from-provena.txt", Body=b"from provena")
    return {"key": item.s3.path + "from-provena.txt"}


async def url(client, dataset):
    made = await client.datastore.generate_dataset_presigned_url(PresignedURLRequest(dataset_id=dataset, file_path="README.txt"))
    return {"url": made.presigned_url}


def refusal(call, **what):
    try:
        call(**what)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return "none"


async def exceed(client, dataset):
    """What credentials are not for, tried with them."""
    reading = store(await client.datastore.generate_read_access_credentials(CredentialsRequest(dataset_id=dataset, console_session_required=False)))
    writing = store(await client.datastore.generate_write_access_credentials(CredentialsRequest(dataset_id=dataset, console_session_required=False)))
    at = (await client.datastore.fetch_dataset(id=dataset)).item.s3
    bucket, beside = at.bucket_name, os.environ["PROVENA_BESIDE"]
    return {
        "refusals": {
            "write with credentials to read": refusal(reading.put_object, Bucket=bucket, Key=at.path + "README.txt", Body=b"changed"),
            "remove with credentials to read": refusal(reading.delete_object, Bucket=bucket, Key=at.path + "README.txt"),
            "read beside": refusal(writing.get_object, Bucket=bucket, Key=beside),
            "write beside": refusal(writing.put_object, Bucket=bucket, Key=beside, Body=b"changed"),
            "list the bucket": refusal(writing.list_objects_v2, Bucket=bucket),
        }
    }


def kept():
    """The tokens that the client keeps for when it is started again."""
    with open(".tokens.json") as f:
        return json.load(f)


async def restart(client, dataset):
    """Another client, which finds that its access token is over: it refreshes it."""
    before = kept()
    with open(".tokens.json", "w") as f:
        json.dump({**before, "access_token": "over"}, f)
    out = await read(new_client(""), dataset)
    return {**out, "renewed": kept()["refresh_token"] != before["refresh_token"]}


async def main():
    clients = {}
    for line in sys.stdin:
        who, step = line.split()
        try:
            if who not in clients:
                clients[who] = new_client(who)
            out = await globals()[step](clients[who], os.environ["PROVENA_DATASET"])
        except Exception as e:
            out = {"error": type(e).__name__, "says": str(e)}
        print(json.dumps(out), flush=True)


asyncio.run(main())
