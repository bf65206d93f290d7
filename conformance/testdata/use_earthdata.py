"""Uses clients of Earthdata as their users do: use_earthdata.py obstore|earthaccess.

Where the keys are got, and where the data lies, is in the environment. Each case prints a line: its
name, and the JSON of what it has read, or how it was refused.
"""

import asyncio
import json
import os
import sys

PAGE = os.environ["KEYS_URL"] + "/s3credentials"
BUCKET, KEY, OTHER = os.environ["DATA_BUCKET"], os.environ["DATA_KEY"], os.environ["DATA_OTHER"]


def show(case, **told):
    print(case, json.dumps(told), flush=True)


def with_obstore():
    from obstore.auth.earthdata import NasaEarthdataAsyncCredentialProvider, NasaEarthdataCredentialProvider
    from obstore.store import S3Store

    token = os.environ["DATA_TOKEN"]
    login = (os.environ["DATA_USER"], os.environ["DATA_PASSWORD"])
    host = os.environ["LOGIN_HOST"]

    def store(provider):
        return S3Store(
            BUCKET,
            endpoint=os.environ["S3_URL"],
            region=os.environ["S3_REGION"],
            client_options={"allow_http": True},
            credential_provider=provider,
        )

    def tell(case, read):
        try:
            show(case, text=read())
        except Exception as e:  # whatever it is, the test reads it
            show(case, error=f"{type(e).__name__}: {e}")

    def sync(auth, page=PAGE):
        provider = NasaEarthdataCredentialProvider(page, host=host, auth=auth)
        try:
            data = store(provider)
            text = bytes(data.get(KEY).bytes()).decode()
            provider()  # refreshed, with the cookie where there is one
            return text + bytes(data.get(OTHER).bytes()).decode()
        finally:
            provider.close()

    async def later(auth, page=PAGE):
        provider = NasaEarthdataAsyncCredentialProvider(page, host=host, auth=auth)
        try:
            data = store(provider)
            text = bytes(await (await data.get_async(KEY)).bytes_async()).decode()
            await provider()
            return text + bytes(await (await data.get_async(OTHER)).bytes_async()).decode()
        finally:
            await provider.close()

    tell("token", lambda: sync(token))
    tell("token, async", lambda: asyncio.run(later(token)))
    tell("basic", lambda: sync(login))
    tell("basic, async", lambda: asyncio.run(later(login)))
    tell("wrong token", lambda: sync("wrong"))
    tell("wrong token, async", lambda: asyncio.run(later("wrong")))
    tell("wrong password", lambda: sync((login[0], "wrong")))
    tell("wrong password, async", lambda: asyncio.run(later((login[0], "wrong"))))
    one = PAGE + "?prefix=s3://" + BUCKET + "/" + KEY.rsplit("/", 1)[0] + "/"
    tell("one prefix", lambda: sync(token, one))


def with_earthaccess():
    import earthaccess
    from earthaccess.auth import Auth
    from earthaccess.store import Store
    from earthaccess.system import System

    system = System("https://localhost", "https://localhost", "https://localhost", "localhost")

    def use(case):
        auth = Auth().login(strategy="environment", system=system)
        keys = auth.get_s3_credentials(endpoint=PAGE)
        files = Store(auth).get_s3_filesystem(endpoint=PAGE)
        show(
            case,
            version=earthaccess.__version__,
            names=list(keys),
            token=auth.token["access_token"],
            text=files.cat(BUCKET + "/" + KEY).decode() + files.cat(BUCKET + "/" + OTHER).decode(),
        )
        return auth.token["access_token"]

    token = use("user and password")
    again = Auth().login(strategy="environment", system=system).token["access_token"]
    show("again", same=token == again)
    password = os.environ.pop("EARTHDATA_PASSWORD")
    os.environ["EARTHDATA_TOKEN"] = token
    use("token")
    os.environ["EARTHDATA_TOKEN"] = "wrong"
    show("wrong token", keys=Auth().login(strategy="environment", system=system).get_s3_credentials(endpoint=PAGE))
    del os.environ["EARTHDATA_TOKEN"]
    os.environ["EARTHDATA_PASSWORD"] = "not " + password
    try:
        Auth().login(strategy="environment", system=system)
    except Exception as e:
        show("wrong password", error=f"{type(e).__name__}: {e}")


{"obstore": with_obstore, "earthaccess": with_earthaccess}[sys.argv[1]]()
