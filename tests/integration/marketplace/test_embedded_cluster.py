"""The embedded Postgres, with real servers in folders of their own."""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from marketplace.postgres import ClusterError, EmbeddedCluster, temporary_cluster
from marketplace.postgres.binaries import ServerNotFound

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def cluster() -> Iterator[EmbeddedCluster]:
    with temporary_cluster() as unstarted:
        yield unstarted


def ask(cluster: EmbeddedCluster, sql: str) -> str:
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return str(cursor.fetchone()[0]) if cursor.description else ""


def wait_for_end(pid: int, timeout_seconds: float = 20) -> bool:
    """Wait until the process has ended; a pidfd turns readable at that moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([descriptor], [], [], timeout_seconds)
    os.close(descriptor)
    return bool(ready)


class TestStart:
    def test_answers_under_its_url_and_on_no_network_address(self, cluster):
        assert cluster.start() is True
        assert ask(cluster, "SELECT current_database()") == "sparegrid"
        assert ask(cluster, "SHOW listen_addresses") == ""

    def test_reuses_a_server_that_runs(self, cluster):
        cluster.start()
        assert EmbeddedCluster(cluster.home).start() is False
        assert ask(cluster, "SELECT 1") == "1"

    def test_two_starters_at_once_make_one_server(self, cluster):
        with ThreadPoolExecutor(2) as pool:
            started = list(pool.map(lambda each: each.start(), [cluster, EmbeddedCluster(cluster.home)]))
        assert sorted(started) == [False, True]

    def test_begins_a_cut_off_initdb_again(self, cluster):
        partial = cluster.home / "data.new"
        partial.mkdir(parents=True)
        (partial / "PG_VERSION").write_text("15\n")
        cluster.start()
        assert ask(cluster, "SELECT 1") == "1"

    def test_a_path_too_long_for_a_socket_gets_a_short_one_elsewhere(self, cluster):
        long = EmbeddedCluster(cluster.home.parent / ("long" * 25), durable=False)
        long.start()
        try:
            assert ask(long, "SELECT 1") == "1"
            socket = Path(ask(long, "SHOW unix_socket_directories"))
        finally:
            long.remove()
        assert not socket.exists()

    @pytest.mark.skipif(not AS_ROOT, reason="only root hands the server to another account")
    def test_a_checkout_closed_to_the_servers_account_keeps_its_data_elsewhere(self, cluster):
        closed = cluster.home.parent / "closed"
        closed.mkdir(mode=0o700)
        hidden = EmbeddedCluster(closed / "postgres", durable=False)
        hidden.start()
        elsewhere = hidden.home.resolve()
        try:
            assert hidden.home.is_symlink()
            assert ask(hidden, "SELECT 1") == "1"
        finally:
            hidden.remove()
        assert not elsewhere.exists()

    @pytest.mark.skipif(not AS_ROOT, reason="only root can act as another account")
    def test_other_accounts_cannot_connect(self, cluster):
        cluster.start()
        knock = f"import psycopg; psycopg.connect({cluster.url!r})"
        result = subprocess.run(
            [shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable, "-c", knock],
            user="nobody",
            group=os.stat("/dev/null").st_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(Path(psycopg.__file__).parent.parent)},
            cwd="/",
        )
        assert result.returncode != 0
        assert "Permission denied" in result.stderr


@pytest.fixture
def durable(cluster: EmbeddedCluster) -> EmbeddedCluster:
    """A cluster as `make run` has it."""
    return EmbeddedCluster(cluster.home)


class TestRestart:
    def test_data_survives_a_stop(self, durable):
        durable.start()
        ask(durable, "CREATE TABLE kept AS SELECT 42 AS answer")
        durable.stop()
        assert durable.running_pid() is None
        durable.start()
        assert ask(durable, "SELECT answer FROM kept") == "42"

    def test_data_survives_kill_9(self, durable):
        durable.start()
        ask(durable, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(durable.running_pid(), signal.SIGKILL)
        again = EmbeddedCluster(durable.home)
        assert again.start() is True
        assert ask(again, "SELECT answer FROM kept") == "42"

    def test_a_pid_file_whose_number_another_program_has_is_stale(self, cluster):
        cluster.start()
        pid_file = cluster.home / "data" / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
        cluster.stop()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
        assert cluster.running_pid() is None
        assert cluster.start() is True

    def test_stop_without_a_server_does_nothing(self, cluster):
        cluster.stop()
        assert not cluster.home.exists()


class TestDieWithUs:
    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a service of the Linux kernel")
    def test_kill_9_of_the_starter_ends_the_server(self, cluster):
        script = (
            "import os, signal, sys; from pathlib import Path; from marketplace.postgres import EmbeddedCluster\n"
            "cluster = EmbeddedCluster(Path(sys.argv[1]), durable=False); cluster.start(die_with_us=True)\n"
            "print(cluster.running_pid(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
        )
        starter = subprocess.run(
            [sys.executable, "-c", script, str(cluster.home)], stdout=subprocess.PIPE, text=True
        )
        assert starter.returncode == -signal.SIGKILL
        assert wait_for_end(int(starter.stdout))


class TestRefusals:
    def test_missing_programs_say_what_to_install(self, cluster, monkeypatch, tmp_path):
        monkeypatch.setenv("PG_BIN", str(tmp_path))
        with pytest.raises(ServerNotFound) as refusal:
            cluster.start()
        assert f"{tmp_path}: no postgres, initdb" in str(refusal.value)
        assert "apt-get install postgresql" in str(refusal.value)

    def test_data_of_another_version_is_named(self, cluster):
        cluster.start()
        cluster.stop()
        (cluster.home / "data" / "PG_VERSION").write_text("9\n")
        with pytest.raises(ServerNotFound, match="but the data is of version 9"):
            cluster.start()

    def test_a_server_that_ends_at_once_shows_its_log(self, cluster):
        cluster.start()
        cluster.stop()
        (cluster.home / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
        with pytest.raises(ClusterError, match='unrecognized configuration parameter "no_such_setting"'):
            cluster.start()

    def test_a_link_to_data_that_is_gone_is_not_replaced_by_an_empty_database(self, cluster):
        cluster.home.symlink_to("/nonexistent/sparegrid")
        with pytest.raises(ClusterError, match="which is gone"):
            cluster.start()
        cluster.home.unlink()
