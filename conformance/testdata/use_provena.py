"""Uses Provena's client for Python as its users do: use_provena.py STEP DATASET.

Where the data store and the realm are, and the offline token, is in the environment.
Each step prints one JSON document. The client logs in at the realm by itself.
"""

import asyncio
import json
import os
import sys

import boto3
from ProvenaInterfaces.DataStoreAPI import CredentialsRequest, PresignedURLRequest
from provenaclient import ProvenaClient
from provenaclient.auth import OfflineFlow
from provenaclient.utils.config import APIOverrides, Config


def new_client():
    config = Config(
        domain="example.org",
        realm_name="lab",
        api_overrides=APIOverrides(
            datastore_api_endpoint_override=os.environ["PROVENA_DATA_STORE"],
            keycloak_endpoint_override=os.environ["PROVENA_REALM"],
        ),
    )
    auth = OfflineFlow(config=config, client_id="client-tools", offline_token=os.environ["PROVENA_OFFLINE_TOKEN"])
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


async def main(step, dataset):
    try:
        out = await globals()[step](new_client(), dataset)
    except Exception as e:
        out = {"error": type(e).__name__, "says": str(e)}
    print(json.dumps(out))


asyncio.run(main(*sys.argv[1:]))
