"""Uses the SDK of Arvados as its users do: use_arvados.py STEP [ARGUMENT...].

Where the server is and the token are in the environment, as the SDK has it. Each step
prints one JSON document.
"""

import json
import sys

import arvados
import arvados.util


def tokens(api):
    return api.api_client_authorizations()


def create(api):
    """Makes a token, as the SDK's documentation writes it, and uses it."""
    made = tokens(api).create(body={"api_client_authorization": {"scopes": ["GET /arvados/v1/users"]}}).execute()
    other = arvados.api("v1", host=api_host(), token=made["api_token"], insecure=insecure(), cache=False)
    return {"made": made, "users": other.users().list().execute(), "refused": refusal(tokens(other).list())}


def lives(api):
    """Each method in turn, on one token."""
    made = tokens(api).create(body={"scopes": ["all"], "expires_at": "2100-01-01T00:00:00Z"}).execute()  # not wrapped
    uuid = made["uuid"]
    out = {
        "made": made,
        "get": tokens(api).get(uuid=uuid).execute(),
        "selected": tokens(api).get(uuid=uuid, select=["uuid", "scopes"]).execute(),
        "updated": tokens(api).update(uuid=uuid, body={"api_client_authorization": {"scopes": ["GET /arvados/v1/"], "expires_at": None}}).execute(),
        # A record that comes back whole, as it was given.
        "again": tokens(api).update(uuid=uuid, body={"api_client_authorization": tokens(api).get(uuid=uuid).execute()}).execute(),
        "current": tokens(api).current().execute(),
        "v2": tokens(client("v2/" + uuid + "/" + made["api_token"])).current().execute(),
        "system": tokens(api).create_system_auth(scopes=["GET /arvados/v1/users"]).execute(),
        "user": api.users().current().execute(),
        "config": api.config(),
        "deleted": tokens(api).delete(uuid=uuid).execute(),
    }
    out["gone"] = refusal(tokens(api).get(uuid=uuid))
    out["dead"] = refusal(tokens(client(made["api_token"])).current())
    return out


def refuses(api):
    """What is refused is refused at once, and says why."""
    list_ = tokens(api).list
    return {
        "attribute": refusal(tokens(api).create(body={"api_client_authorization": {"colour": "blue"}})),
        "secret": refusal(tokens(api).create(body={"api_client_authorization": {"api_token": "mine"}})),
        "operator": refusal(list_(filters=[["uuid", "~", "x"]])),
        "select": refusal(list_(select=["colour"])),
        "uuid": refusal(tokens(api).get(uuid="nonsense")),
        "count": refusal(list_(count="some")),
    }


def lists(api):
    """Filters, order, select and paging."""
    mine = [["scopes", "=", ["GET /arvados/v1/config"]]]
    made = [tokens(api).create(body={"scopes": ["GET /arvados/v1/config"]}).execute() for _ in range(5)]
    list_ = lambda **kwargs: tokens(api).list(**kwargs).execute()
    uuids = lambda **kwargs: [t["uuid"] for t in list_(**kwargs)["items"]]
    long = ["zzzzz-gj3su-%015d" % i for i in range(100)]  # too long for a URL: the SDK sends a POST
    return {
        "made": [t["uuid"] for t in made],
        "by scope": uuids(filters=mine, order=["created_at asc"]),
        "newest": uuids(filters=mine),
        "page": list_(filters=mine, order="created_at", limit=2, offset=1, select=["uuid"]),
        "not counted": list_(filters=mine, count="none", limit=0),
        "since": uuids(filters=mine + [["created_at", ">", made[2]["created_at"]]], order=["uuid"]),
        "in": uuids(filters=[["uuid", "in", [made[0]["uuid"], made[1]["uuid"], None]]], order=["uuid"]),
        "in many": uuids(filters=[["uuid", "in", long + [made[3]["uuid"]]]]),
        "like": uuids(filters=mine + [["uuid", "like", "%" + made[4]["uuid"][-6:]]]),
        "where": uuids(where={"uuid": made[0]["uuid"]}),
        "distinct": list_(filters=mine, select=["scopes"], distinct=True),
    }


def many(api, n):
    """keyset_list_all, over more than two pages."""
    made = {tokens(api).create(body={"scopes": ["GET /arvados/v1/vocabulary"]}).execute()["uuid"] for _ in range(int(n))}
    fn = tokens(api).list
    filters = [["scopes", "=", ["GET /arvados/v1/vocabulary"]]]
    up = [t["uuid"] for t in arvados.util.keyset_list_all(fn, filters=filters)]
    down = [t["uuid"] for t in arvados.util.keyset_list_all(fn, filters=filters, ascending=False, select=["uuid"])]
    by_uuid = [t["uuid"] for t in arvados.util.keyset_list_all(fn, order_key="uuid", filters=filters)]
    same = [t["uuid"] for t in arvados.util.keyset_list_all(fn, order_key="owner_uuid", filters=filters)]
    return {
        "made": len(made),
        "up": len(up), "all of them": set(up) == made, "once": len(set(up)) == len(up),
        "down": down == up[::-1], "by uuid": by_uuid == sorted(made), "same": sorted(same) == sorted(made),
        "available": fn(filters=filters, limit=0).execute()["items_available"],
    }


def refusal(request):
    """How the SDK tells of a refusal, without trying again."""
    try:
        request.execute(num_retries=0)
    except arvados.errors.ApiError as e:
        return {"status": e.resp.status, "reason": e._get_reason()}
    return None


def api_host():
    return arvados.config.get("ARVADOS_API_HOST")


def insecure():
    return arvados.config.flag_is_true("ARVADOS_API_HOST_INSECURE")


def client(token):
    return arvados.api("v1", host=api_host(), token=token, insecure=insecure(), cache=False)


if __name__ == "__main__":
    steps = {"create": create, "lives": lives, "refuses": refuses, "lists": lists, "many": many}
    print(json.dumps(steps[sys.argv[1]](arvados.api("v1"), *sys.argv[2:])))
