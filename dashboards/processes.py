"""Several processes behind one port: whoever is shown something stays with the process that holds it.

The parent listens, looks at the first request of each connection without taking it, and hands the
connection to a child by the cookie in it. The children listen nowhere; they end when the parent does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from tornado.netutil import bind_sockets

from dashboards.answers import AT

_HEAD = 2**16
_PATIENCE = 10.0
_WAITING = 512
_RESTARTS, _WITHIN = 5, 60.0
_GRACE = 6.0
_CHILD = "from dashboards.serve import child; child()"
_AT = re.compile(rb"\r\ncookie:[^\r\n]*[ ;]" + AT.encode() + rb"=(\d{1,2})(?![^;\r])", re.IGNORECASE)
_log = logging.getLogger("bactools.dashboard")


class ProcessesError(OSError):
    """Why the processes ended though nobody asked them to, in words."""


class Processes:
    """A parent and its children.

    Parameters
    ----------
    count : int
        How many children.
    told : mapping
        What each is told at its start, as JSON; ``place`` and ``pipe`` are added.
    """

    def __init__(self, count: int, told: Mapping[str, Any]) -> None:
        self._told = dict(told)
        self._children: list[subprocess.Popen[bytes]] = []
        self._pipes: list[socket.socket] = []
        self._ends: deque[float] = deque(maxlen=_RESTARTS)
        self._waiting = 0
        self._next = 0
        self._count = count

    def run(self, port: int, address: str) -> None:
        """Serve until told to stop.

        Parameters
        ----------
        port, address : int, str
            Where to listen.

        Raises
        ------
        OSError
            If the port cannot be used.
        ProcessesError
            If children end as fast as they are started.
        """
        listening = bind_sockets(port, address)
        try:
            asyncio.run(self._run(listening))
        finally:
            for each in listening:
                each.close()
            self._end()

    async def _run(self, listening: list[socket.socket]) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stopped.set)
        for place in range(self._count):
            self._start(place)
        work = [asyncio.create_task(self._listen(each)) for each in listening]
        watched = asyncio.create_task(self._watch())
        told = asyncio.create_task(stopped.wait())
        await asyncio.wait([watched, told], return_when=asyncio.FIRST_COMPLETED)
        for task in (*work, told):
            task.cancel()
        if watched.done():
            watched.result()
        watched.cancel()

    def _start(self, place: int) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            # a session of its own, or Ctrl-C would end it before the parent knows why
            child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-c", _CHILD], stdin=subprocess.PIPE, pass_fds=[theirs.fileno()],
                start_new_session=True,
            )  # fmt: skip
            told = json.dumps({**self._told, "place": place, "pipe": theirs.fileno()})
        if child.stdin is not None:
            # one that ended before it was told anything is seen by `_watch`
            with contextlib.suppress(BrokenPipeError), child.stdin as words:
                words.write(told.encode())
        self._children[place : place + 1] = [child]
        self._pipes[place : place + 1] = [ours]

    async def _watch(self) -> None:
        """Start children anew that ended; give up if they keep ending."""
        while True:
            await asyncio.sleep(0.25)
            for place, child in enumerate(self._children):
                if child.poll() is None:
                    continue
                now = time.monotonic()
                if len(self._ends) == _RESTARTS and now - self._ends[0] < _WITHIN:
                    raise ProcessesError("the processes keep ending: see the log for what they said")
                self._ends.append(now)
                _log.warning("process %d ended with %s; it is started anew", place, child.returncode)
                self._pipes[place].close()
                self._start(place)

    async def _listen(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        routes: set[asyncio.Task[None]] = set()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            if self._waiting >= _WAITING:
                connection.close()
                continue
            route = asyncio.create_task(self._route(connection))
            routes.add(route)
            route.add_done_callback(routes.discard)

    async def _route(self, connection: socket.socket) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                place = self._place(await _head(connection))
            socket.send_fds(self._pipes[place], [b"."], [connection.fileno()])
        except OSError:
            # who called is gone, slow, or called when nobody could take more
            _log.debug("a connection was let go")
        finally:
            self._waiting -= 1
            connection.close()

    def _place(self, head: bytes) -> int:
        found = _AT.search(head.partition(b"\r\n\r\n")[0])
        if found and int(found[1]) < self._count:
            return int(found[1])
        self._next = (self._next + 1) % self._count
        return self._next

    def _end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for child in self._children:
            if child.poll() is None:
                child.terminate()
        until = time.monotonic() + _GRACE
        for child in self._children:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def _head(connection: socket.socket) -> bytes:
    """Return the head of the first request, which stays to be read."""
    loop = asyncio.get_running_loop()
    while True:
        ready = asyncio.Event()
        loop.add_reader(connection, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(connection)
        head = connection.recv(_HEAD, socket.MSG_PEEK)
        if not head:
            raise ConnectionResetError
        if b"\r\n\r\n" in head or len(head) == _HEAD:
            return head
        await asyncio.sleep(0.02)


def receive(pipe: socket.socket, take: Callable[[int], object], gone: Callable[[], object]) -> None:
    """Take connections, as file descriptors, from a parent until it is gone.

    Parameters
    ----------
    pipe : socket
        The child's end.
    take : callable
        Is given each.
    gone : callable
        Is called once, at the end.
    """
    try:
        while True:
            said, connections, _, _ = socket.recv_fds(pipe, 1, 1)
            if not said:
                break
            for each in connections:
                take(each)
    except OSError:
        _log.debug("the pipe is closed")
    gone()
