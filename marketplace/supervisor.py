"""Run several programs from one terminal: started in order, restarted when they end, stopped together.

A program that ends before it is ready stops everything, since something is wrong that a restart would not mend.
One that ends later is started again after a pause that doubles each time, from one second to half a minute.
Each is in a session of its own, so that Ctrl-C reaches only the supervisor, which stops them in the reverse order;
and on Linux each is told to stop when the supervisor dies, even by kill -9.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.processes import die_with_parent

READY_POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
SETTLED_AFTER_SECONDS = 60.0  # having run this long, a program's next failure counts as its first
STOP_TIMEOUT_SECONDS = 4.0
LONGEST_LINE_BYTES = 1 << 20
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COLOURS = (36, 32, 35, 33, 34, 31)  # ANSI foregrounds


class ProgramFailed(Exception):
    """A program without which nothing can go on has ended; what it said stands above."""


@dataclass(frozen=True)
class Program:
    """A command to keep running; ready once its port answers, or at once without one."""

    name: str
    command: Sequence[str]
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of everyone's


class Log:
    """One terminal for all: each line under the name of who said it."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._names: list[str] = []

    def write(self, name: str, line: str) -> None:
        if name not in self._names:
            self._names.append(name)
        prefix = f"{name:<10}|"
        if self._coloured:
            prefix = f"\x1b[{COLOURS[self._names.index(name) % len(COLOURS)]}m{prefix}\x1b[0m"
        sys.stdout.write(f"{prefix} {line}\n")
        sys.stdout.flush()


class Supervisor:
    """Starts programs, keeps them running and stops them; see the module."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.log = Log()
        self._environment = environment
        self._processes: dict[str, asyncio.subprocess.Process] = {}  # in the order of starting
        self._watches: list[asyncio.Future[None]] = []
        self._displays: list[asyncio.Future[None]] = []
        self._stop_asked = 0
        self._failed: asyncio.Future[None]
        self._stopped: asyncio.Event

    async def run(self, bring_up: Callable[[], Awaitable[None]]) -> None:
        """Bring everything up and keep it so until a signal or a failure; then stop it all.

        Raises ProgramFailed.
        """
        loop = asyncio.get_running_loop()
        self._failed, self._stopped = loop.create_future(), asyncio.Event()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        self.keep_watch(bring_up())
        signalled = asyncio.ensure_future(self._stopped.wait())
        ends: set[asyncio.Future[Any]] = {signalled, self._failed}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            signalled.cancel()
            await self._stop_all()
        if self._failed.done():
            self._failed.result()

    def keep_watch(self, work: Awaitable[None]) -> None:
        """Do this beside the rest; if it raises, everything stops."""

        async def watched() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - handed on: run() raises it
                if not self._failed.done():
                    self._failed.set_exception(error)

        self._watches.append(asyncio.ensure_future(watched()))

    async def run_once(self, program: Program) -> None:
        """Run a program to its end. Raises ProgramFailed unless that is a success."""
        process = await self._spawn(program)
        code = await process.wait()
        del self._processes[program.name]
        if code != 0:
            raise ProgramFailed(f"{program.name} failed ({code}); what it said stands above.")

    async def start(self, program: Program) -> None:
        """Start a program, wait until it is ready, and keep it running from then on. Raises ProgramFailed."""
        process = await self._spawn(program)
        while program.port is not None and not await _answers(program.port):
            if process.returncode is not None:
                raise ProgramFailed(f"{program.name} ended ({process.returncode}) before it was ready.")
            await asyncio.sleep(READY_POLL_SECONDS)
        self.keep_watch(self._keep(program, process))

    def pid_of(self, name: str) -> int:
        """Return the process id of a program that was started."""
        return self._processes[name].pid

    async def _keep(self, program: Program, process: asyncio.subprocess.Process) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            code = await process.wait()
            if time.monotonic() - began > SETTLED_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self.log.write(program.name, f"ended ({code}); starting it again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            process = await self._spawn(program)

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *program.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**self._environment, **program.environment},
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),
            limit=LONGEST_LINE_BYTES,
        )
        self._processes.pop(program.name, None)
        self._processes[program.name] = process
        self._displays.append(asyncio.ensure_future(self._show(program.name, process)))
        return process

    async def _show(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                line = b"(a line longer than 1 MiB)"
            if not line:
                return
            self.log.write(name, line.decode(errors="replace").rstrip())

    def _on_signal(self) -> None:
        self._stop_asked += 1
        self._stopped.set()
        if self._stop_asked > 1:  # asked twice: no more patience
            for process in self._processes.values():
                _signal_group(process, signal.SIGKILL)

    async def _stop_all(self) -> None:
        for task in self._watches:
            task.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for process in reversed(list(self._processes.values())):
            await _stop(process)
        await asyncio.gather(*self._displays)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a program and whatever it started: asked first, then made to."""
    _signal_group(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_SECONDS)
    except TimeoutError:
        _signal_group(process, signal.SIGKILL)
        await process.wait()


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # it ended just now
            os.killpg(process.pid, number)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
