"""Which cluster is meant: this checkout's own, or a throw-away one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketplace.paths import data_dir
from marketplace.postgres.cluster import EmbeddedCluster
from marketplace.postgres.configuration import fits_socket, socket_url


def checkout_cluster() -> EmbeddedCluster:
    """Return this checkout's cluster, whether it runs or not."""
    return EmbeddedCluster(data_dir() / "postgres")


@contextmanager
def temporary_cluster(*, durable: bool = False) -> Iterator[EmbeddedCluster]:
    """Give an unstarted throw-away cluster in a folder of its own; stop and delete it afterwards.

    Without fsync unless `durable`, which is for measuring.
    """
    folder = Path(tempfile.mkdtemp(prefix="sparegrid-test-"))
    if not fits_socket(folder / "postgres" / "socket"):
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="sparegrid-test-", dir="/tmp"))
    folder.chmod(0o711)
    cluster = EmbeddedCluster(folder / "postgres", durable=durable)
    try:
        yield cluster
    finally:
        cluster.remove()
        shutil.rmtree(folder)


def database_url() -> str:
    """Return `DATABASE_URL`, else the address of this checkout's cluster. Starts nothing.

    Tools that never connect (mypy, makemigrations --check) load the settings without a server. So when none runs,
    the address is one at which nothing can answer, whose name tells whoever connects what to do.
    """
    if given := os.environ.get("DATABASE_URL"):
        return given
    cluster = checkout_cluster()
    if cluster.running_pid() is None:
        return socket_url(Path("/NOT RUNNING: start it with 'make run' or 'make db'"))
    return cluster.url
