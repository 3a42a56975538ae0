"""The supervisor, with real programs under it: each is one line of Python."""

import asyncio
import os
import signal
import socket
import sys

import pytest

from marketplace.supervisor import Program, ProgramFailed, Supervisor

FOREVER = "import signal; signal.pause()"
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\nwhile 1: signal.pause()"
)


def python(name: str, code: str, port: int | None = None) -> Program:
    return Program(name, [sys.executable, "-c", code], port)


def stop_us() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(os.environ)


class TestRun:
    async def test_stops_in_the_reverse_order(self, supervisor, capsys):
        says_goodbye = (
            "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('goodbye')))\n"
            "print('ready', flush=True); signal.pause()"
        )

        async def bring_up():
            await supervisor.start(python("first", says_goodbye))
            await supervisor.start(python("second", says_goodbye))
            said = ""

            def both_ready() -> bool:
                nonlocal said
                said += capsys.readouterr().out
                return said.count("ready") == 2

            await until(both_ready)
            stop_us()

        await supervisor.run(bring_up)
        said = capsys.readouterr().out
        assert said.index("second    | goodbye") < said.index("first     | goodbye")

    async def test_waits_until_the_port_answers(self, supervisor):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        listens = f"import socket, signal; s = socket.create_server(('127.0.0.1', {port})); signal.pause()"

        async def bring_up():
            await supervisor.start(python("listener", listens, port))
            socket.create_connection(("127.0.0.1", port)).close()
            stop_us()

        await supervisor.run(bring_up)

    async def test_a_program_that_ends_before_it_is_ready_stops_all(self, supervisor):
        pids = []

        async def bring_up():
            await supervisor.start(python("steady", FOREVER))
            pids.append(supervisor.pid_of("steady"))
            await supervisor.start(python("broken", "raise SystemExit(3)", port=1))

        with pytest.raises(ProgramFailed, match=r"broken ended \(3\) before it was ready"):
            await supervisor.run(bring_up)
        assert not is_alive(pids[0])

    async def test_a_failed_step_stops_all(self, supervisor):
        with pytest.raises(ProgramFailed, match=r"migrate failed \(1\)"):
            await supervisor.run(lambda: supervisor.run_once(python("migrate", "raise SystemExit(1)")))

    async def test_starts_a_program_again_that_was_killed(self, supervisor, capsys):
        async def bring_up():
            await supervisor.start(python("steady", FOREVER))
            first = supervisor.pid_of("steady")
            os.kill(first, signal.SIGKILL)
            await until(lambda: supervisor.pid_of("steady") != first)
            stop_us()

        await supervisor.run(bring_up)
        assert "steady    | ended (-9); starting it again in 1 s" in capsys.readouterr().out

    async def test_the_second_signal_kills_what_does_not_listen(self, supervisor, capsys):
        async def bring_up():
            await supervisor.start(python("deaf", DEAF))
            await until(lambda: "deaf" in capsys.readouterr().out)
            stop_us()
            asyncio.get_running_loop().call_later(0.1, stop_us)

        async with asyncio.timeout(3):  # well under the patience for a single signal
            await supervisor.run(bring_up)
