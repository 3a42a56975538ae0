"""`make run` as a whole: the real supervisor with its own database, web server and sandbox."""

import os
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.paths import CHECKOUT
from marketplace.processes import command_line


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine's environment without a database, and data in a folder of its own."""
    ours = {"DATABASE_URL", "STRIPE_SECRET_KEY", "DJANGO_SETTINGS_MODULE"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return kept | {"SPAREGRID_DATA_DIR": str(tmp_path / "data"), "PORT": str(port)}


@pytest.fixture
def cleaned_up(environment: dict[str, str]) -> Iterator[None]:
    yield
    subprocess.run(
        [sys.executable, "-m", "marketplace.postgres", "remove"], cwd=CHECKOUT, env=environment, check=True
    )


def start_serve(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "marketplace.serve"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def children_of(process: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def read_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if wanted in line:
            return lines
    raise AssertionError(f"ended ({process.wait()}) without saying {wanted!r}:\n{''.join(lines)}")


@pytest.mark.usefixtures("cleaned_up")
class TestServe:
    def test_serves_and_ctrl_c_stops_all_of_it(self, environment):
        serve = start_serve(environment)
        read_until(serve, f"Sparegrid runs at http://127.0.0.1:{environment['PORT']}/")
        static = f"http://127.0.0.1:{environment['PORT']}/static/css/tokens.css"
        with urllib.request.urlopen(static) as answer:
            assert answer.status == 200
        second = start_serve(environment)
        assert "Sparegrid runs from this checkout already" in second.communicate()[0]
        assert second.returncode == 1
        children = children_of(serve)
        assert len(children) >= 3
        serve.send_signal(signal.SIGINT)
        serve.communicate(timeout=20)
        assert serve.returncode == 0
        assert [pid for pid in children if command_line(pid)] == []

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a service of the Linux kernel")
    def test_kill_9_leaves_nothing_behind(self, environment):
        serve = start_serve(environment)
        read_until(serve, "Sparegrid runs at")
        watched = [os.pidfd_open(pid) for pid in children_of(serve)]
        serve.kill()
        serve.wait()
        for descriptor in watched:
            ended, _, _ = select.select([descriptor], [], [], 20)
            os.close(descriptor)
            assert ended
        serve.stdout.close()


class TestRefusals:
    def test_a_taken_port_is_named_before_anything_starts(self, environment):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            serve = start_serve(environment | {"PORT": port})
            said = serve.communicate()[0]
        assert serve.returncode == 1
        assert said == f"Port {port} is taken. Choose another: PORT=8123 make run\n"

    @pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
    def test_a_port_that_is_none(self, environment, port):
        serve = start_serve(environment | {"PORT": port})
        assert f"PORT={port} is no port number" in serve.communicate()[0]
        assert serve.returncode == 1
