"""Postgres for this checkout: `DATABASE_URL` where set, else a cluster of our own under `.data/`.

The cluster listens on a Unix socket only, and only the account that started it (and, as root, the account that
it runs under) may connect. `python -m marketplace.postgres` starts, stops and opens it by hand.
"""

from marketplace.postgres.cluster import ClusterError, EmbeddedCluster
from marketplace.postgres.clusters import checkout_cluster, database_url, temporary_cluster

__all__ = ["ClusterError", "EmbeddedCluster", "checkout_cluster", "database_url", "temporary_cluster"]
