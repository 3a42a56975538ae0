"""A throw-away Postgres that commits as a real one does, with Sparegrid's tables in it and Django set up to use it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django
import psycopg

from marketplace.postgres import temporary_cluster


@contextmanager
def durable_database() -> Iterator[str]:
    """Start a cluster with fsync, migrate, set Django up, and give its address. Import models only inside."""
    with temporary_cluster(durable=True) as cluster:
        cluster.start(die_with_us=True)
        os.environ |= {
            "DATABASE_URL": cluster.url,
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "--noinput", "-v", "0"], check=True)
        django.setup()
        yield cluster.url


def describe(url: str) -> str:
    """Say what is measured on: the server's version and durability, and how busy the machine is with other things."""
    with psycopg.connect(url) as connection:
        (version,) = connection.execute("SHOW server_version").fetchone()
        (fsync,) = connection.execute("SHOW fsync").fetchone()
        (commit,) = connection.execute("SHOW synchronous_commit").fetchone()
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    return (
        f"Postgres {version}, fsync {fsync}, synchronous_commit {commit}; {os.cpu_count()} cores, load {load}; "
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"
    )


@contextmanager
def program(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program of the checkout beside us; stop it at the end."""
    process = subprocess.Popen([sys.executable, *command], env=os.environ | environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
