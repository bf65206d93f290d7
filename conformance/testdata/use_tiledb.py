"""Uses TileDB's client as its users do: use_tiledb.py STEP [TEAMSPACE].

Where the server is and who calls are in the environment, as the client has it. Each
step prints one JSON document. The calls are those of the client's documentation, with
its arguments.
"""

import json
import os
import sys

import tiledb.client
from tiledb.client import teamspaces, tokens, workspaces
from tiledb.client import client as session
from tiledb.client.credentials import (
    AccessCredentialRole,
    AWSCredential,
    AWSRole,
    AzureCredential,
    AzureToken,
    Credential,
    CredentialsError,
    GCPInteroperabilityCredential,
    GCPServiceAccountKey,
    Token,
    create_credential,
    delete_credential,
    get_credential,
    list_credentials,
    update_credential,
    verify_credential,
)
from tiledb.client.storagesettings import (
    StorageSettingsError,
    create_storage_setting,
    delete_storage_setting,
    get_storage_setting,
    list_storage_settings,
    update_storage_setting,
)
from tiledb.client.tokens import TokenScope


def seen(credential):
    return credential.to_dict()


def refusal(call, *args, **named):
    """What the client says when the server refuses, and what the server said."""
    try:
        call(*args, **named)
    except (CredentialsError, StorageSettingsError) as e:
        return {"error": str(e), "status": e.__cause__.status, **json.loads(e.__cause__.body)}
    return {}


def role():
    return AccessCredentialRole(aws=AWSRole(role_arn="arn:aws:iam::123456789012:role/demo", external_id="123ABC"))


def documented(teamspace):
    """Every example of the documentation of client.credentials."""
    create_credential("cred1", "AWS", teamspace=teamspace, role=role())
    cred = get_credential("cred1", teamspace=teamspace)
    out = {"made": seen(cred), "role_arn": cred.role.aws.role_arn, "names": [c.name for c in list_credentials(teamspace=teamspace)]}
    update_credential(
        "cred1",
        teamspace=teamspace,
        credential=Credential(AWSCredential(access_key_id="AWS_ACCESS_KEY_ID", secret_access_key="AWS_SECRET_ACCESS_KEY")),
    )
    out["updated"] = seen(get_credential("cred1", teamspace=teamspace))
    verify_credential("cred1", "AWS", teamspace=teamspace, role=role())
    wrong = AccessCredentialRole(aws=AWSRole(role_arn="arn:aws:iam::123456789012:role/demo", external_id="other"))
    out["unverified"] = refusal(verify_credential, "cred1", "AWS", teamspace=teamspace, role=wrong)
    out["twice"] = refusal(create_credential, "cred1", "AWS", teamspace=teamspace, role=role())
    delete_credential("cred1", teamspace=teamspace)
    out["gone"] = refusal(get_credential, "cred1", teamspace=teamspace)
    out["left"] = [c.name for c in list_credentials(teamspace=teamspace)]
    return out


def forms(key_text):
    """Each provider and kind, and pages of them."""
    given = {
        "keys": ("AWS", {"credential": Credential(aws=AWSCredential(access_key_id="AKIA", secret_access_key="s", endpoint="https://93.184.216.34"))}),
        "role": ("AWS", {"role": role()}),
        "azure-keys": ("AZURE", {"credential": Credential(azure=AzureCredential(account_name="demo", account_key="c2VjcmV0"))}),
        "sas": ("AZURE", {"token": Token(azure=AzureToken(account_name="demo", sas_token="sv=1&sig=x&se=2999-01-01"))}),
        "gcp-keys": ("GCP", {"credential": Credential(gcp=GCPInteroperabilityCredential(access_key_id="GOOG", secret_access_key="s"))}),
        "service-account": ("GCP", {"token": Token(gcp=GCPServiceAccountKey(account_id="any", key_id="any", key_text=key_text))}),
    }
    for name, (provider, what) in given.items():
        create_credential(name, provider, provider_default=True, **what)
    out = {"seen": {name: seen(get_credential(name)) for name in given}}
    out["defaults"] = sorted(c.name for c in list_credentials(per_page=2) if c.provider_default)
    out["from page 2"] = [c.name for c in list_credentials(page=2, per_page=4)]
    out["last"] = list_credentials()[-1].name
    update_credential("sas", name="renamed", provider_default=False)
    out["renamed"] = seen(get_credential("renamed"))
    out["two kinds"] = refusal(create_credential, "two", "AWS", role=role(), credential=Credential(aws=AWSCredential(access_key_id="A", secret_access_key="s")))
    return out


def around():
    """What clients ask besides."""
    workspace = workspaces.get_workspace()
    made = teamspaces.create_teamspace("around", visibility="private")
    out = {
        "workspace": {"id": workspace.workspace_id, "name": workspace.name, "role": workspace.workspace_role},
        "teamspace": teamspaces.get_teamspace("around").teamspace_id == made.teamspace_id,
        "teamspaces": [s.name for s in teamspaces.list_teamspaces()],
        "user": session.get_user().username,
    }
    token = tokens.create_token("around", TokenScope._)
    out["token"] = token.api_key
    out["tokens"] = [t.name for t in tokens.list_tokens("api")]
    tokens.revoke_token(token.token_id)
    out["tokens left"] = [t.name for t in tokens.list_tokens("api")]
    teamspaces.delete_teamspace("around")
    return out


def make_settings(teamspace, endpoint, key, secret, path):
    """A storage setting for keys of a store, and what is refused."""
    keys = Credential(aws=AWSCredential(access_key_id=key, secret_access_key=secret, endpoint=endpoint))
    for name in ("cred1", "cred2"):
        create_credential(name, "AWS", teamspace=teamspace, credential=keys)
    named = {"is_default": True, "credentials_name": "cred1", "teamspace": teamspace}
    made = create_storage_setting(name="storage_setting1", path=path, **named)
    return {
        "made": seen(made),
        "path": get_storage_setting("storage_setting1", teamspace=teamspace).path,
        "inside": refusal(create_storage_setting, name="storage_setting2", path=path + "/in", **named),
        "folder": refusal(create_storage_setting, name="storage_setting2", path="file:///data", **named),
        "used": refusal(delete_credential, "cred1", teamspace=teamspace),
    }


def change_settings(teamspace):
    """The setting of make_settings gets another credential, and goes."""
    update_storage_setting("storage_setting1", credentials_name="cred2", teamspace=teamspace)
    before = [seen(s) for s in list_storage_settings(teamspace)]
    delete_storage_setting(get_storage_setting("storage_setting1", teamspace=teamspace), teamspace=teamspace)
    gone = refusal(get_storage_setting, "storage_setting1", teamspace=teamspace)
    for name in ("cred1", "cred2"):
        delete_credential(name, teamspace=teamspace)
    return {"before": before, "gone": gone, "left": [s.name for s in list_storage_settings(teamspace)]}


def logged_in(password, *places):
    """The same in each place after logging in with a name and a password, which makes a token."""
    tiledb.client.configure(
        username="admin", password=password, workspace="lab", host=os.environ["HOST_OF_THE_TEST"], profile_dir=os.environ["HOME"]
    )
    tiledb.client.login(profile_dir=os.environ["HOME"])
    return {"documented": [documented(p) for p in places], "tokens": [t.name for t in tokens.list_tokens("session")]}


steps = {f.__name__: f for f in (documented, logged_in, forms, around, make_settings, change_settings)}

if __name__ == "__main__":
    args = [a or None for a in sys.argv[2:]]
    json.dump(steps[sys.argv[1]](*args), sys.stdout, default=str)
