"""Answers each line of standard input with a line: what it asks, a JSON list of an
operation and its arguments, is done with the one client that the script has made, as
long-lived programs do. The answer is a JSON object: what was found, and of a failure
what Python prints."""

import base64
import json
import pathlib
import sys
import traceback


def serve(operations):
    """Runs functions by name. Text or bytes that they return are what was found."""
    for line in sys.stdin:
        name, *args = json.loads(line)
        answer = {}
        try:
            found = operations[name](*args)
            if isinstance(found, str):
                found = found.encode()
            if isinstance(found, bytes):
                answer["found"] = base64.b64encode(found).decode()
        except Exception:
            answer["failed"] = traceback.format_exc()
        print(json.dumps(answer), flush=True)


def listing(sizes):
    return json.dumps([{"Key": key, "Size": size} for key, size in sizes.items()])


def syncing(sizes, store, fetch, remove):
    """Makes the operations that keep a folder and a prefix the same, of what a library
    brings, for those that have no command for it. sizes(prefix) tells the sizes of objects
    by key; store and fetch take a list of pairs of a key and a file, remove a list of keys.
    remove may be None: then what is gone from the folder stays in the prefix."""

    def both(folder, prefix):
        here = {p.relative_to(folder).as_posix(): p.stat().st_size for p in pathlib.Path(folder).rglob("*") if p.is_file()}
        there = {key.removeprefix(prefix): size for key, size in sizes(prefix).items()}
        return here, there

    def moved(source, target, folder, prefix):
        changed = [name for name in sorted(source) if source[name] != target.get(name)]
        return [(prefix + name, f"{folder}/{name}") for name in changed], sorted(target.keys() - source.keys())

    def up(folder, prefix):
        here, there = both(folder, prefix)
        changed, gone = moved(here, there, folder, prefix)
        if changed:
            store(changed)
        if gone and remove:
            remove([prefix + name for name in gone])

    def down(prefix, folder):
        here, there = both(folder, prefix)
        changed, gone = moved(there, here, folder, prefix)
        for _, file in changed:
            pathlib.Path(file).parent.mkdir(parents=True, exist_ok=True)
        if changed:
            fetch(changed)
        for name in gone:
            pathlib.Path(folder, name).unlink()

    return {"sync-up": up, "sync-down": down}
