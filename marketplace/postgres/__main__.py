"""python -m marketplace.postgres start | stop | status | url | psql | remove | run-temporary -- COMMAND …"""

import argparse
import os
import shutil
import subprocess
import sys

import environ

from marketplace.paths import CHECKOUT
from marketplace.postgres.account import NoAccountForServer
from marketplace.postgres.binaries import ServerNotFound
from marketplace.postgres.cluster import ClusterError
from marketplace.postgres.clusters import checkout_cluster, database_url, temporary_cluster


def start() -> int:
    """start this checkout's cluster and leave it running"""
    cluster = checkout_cluster()
    started = cluster.start()
    print(f"Postgres {'runs' if started else 'was running already'}: {cluster.url}")
    return 0


def stop() -> int:
    """stop this checkout's cluster"""
    checkout_cluster().stop()
    return 0


def status() -> int:
    """say whether it runs (exit 0) or not (exit 1)"""
    cluster = checkout_cluster()
    pid = cluster.running_pid()
    print(f"runs as process {pid}, log in {cluster.log}" if pid else "not running")
    return 0 if pid else 1


def url() -> int:
    """print the address of the database, for DATABASE_URL or psql"""
    print(database_url())
    return 0


def psql() -> int:
    """open psql on the database"""
    if not os.environ.get("DATABASE_URL"):
        checkout_cluster().start()
    program = shutil.which("psql") or str(checkout_cluster().find_server().bin / "psql")
    os.execv(program, ["psql", database_url()])  # noqa: S606 - no shell is wanted


def find() -> int:
    """say which server would be used (exit 1: there is none)"""
    if os.environ.get("DATABASE_URL"):
        print("the server that DATABASE_URL names")
        return 0
    server = checkout_cluster().find_server()
    print(f"PostgreSQL {server.major} in {server.bin}")
    return 0


def remove() -> int:
    """stop this checkout's cluster and delete its data for good"""
    checkout_cluster().remove()
    return 0


def run_temporary(command: list[str]) -> int:
    """run a command with DATABASE_URL set to a throw-away cluster"""
    with temporary_cluster() as cluster:
        cluster.start(die_with_us=True)
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": cluster.url}, check=False).returncode


PLAIN_VERBS = {verb.__name__: verb for verb in (start, stop, status, url, psql, find, remove)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m marketplace.postgres")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, verb in PLAIN_VERBS.items():
        verbs.add_parser(name, help=verb.__doc__)
    temporary = verbs.add_parser("run-temporary", help=run_temporary.__doc__)
    temporary.add_argument("command", nargs="+", metavar="-- COMMAND")
    arguments = parser.parse_args()
    environ.Env.read_env(CHECKOUT / ".env", overwrite=False)
    try:
        if arguments.verb == "run-temporary":
            return run_temporary(arguments.command)
        return PLAIN_VERBS[arguments.verb]()
    except (ClusterError, ServerNotFound, NoAccountForServer) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
