"""The web server: uvicorn inside the service's own event loop, on the service's own terms."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from streamgauge.web.connections import Connections
from streamgauge.web.routes import Facts, application

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import SinkHealth

FORCE_SECONDS: Final = 0.5
"""The end of the stop deadline, kept for closing what did not close by itself."""


class ListenError(Exception):
    """The address cannot be listened on; the message says where, why and what to do."""


class WebServer:
    """Serves `/livez`, `/readyz` and `/status` from `start` to `stop`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        streams: Iterable[str],
        sinks: Callable[[], Iterable[SinkHealth]],
        now_ms: Callable[[], int],
    ) -> None:
        """Prepare; nothing listens yet.

        Args:
            host: address or name to listen on; of a name its first IPv4 address counts.
            port: 0 to 65535; 0 takes a free one.
            streams: names of all streams; each is waited for until `set_ready`.
            sinks: asked at each request for the status.
            now_ms: the service's wall clock, milliseconds since the epoch.
        """
        self._where = (host, port)
        self._facts = Facts(sinks, now_ms, waiting=dict.fromkeys(streams, "not started yet"))
        self._streams = frozenset(self._facts.waiting)
        self._connections = Connections()
        self._server = _Server(
            uvicorn.Config(
                application(self._facts),
                http=self._connections.protocol(),
                ws="none",
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
            )
        )
        self._task: asyncio.Task[None] | None = None
        self.address = _shown(host, port)
        """`host:port`, from `start` on as it is really listened on."""

    @property
    def dropped_connections(self) -> int:
        """Connections closed because there were too many."""
        return self._connections.dropped

    async def start(self) -> None:
        """Listen, and answer from now on.

        Raises:
            ListenError: if the address is taken, forbidden or not one of this host.
        """
        listener = await _listen(*self._where)
        self.address = _shown(*listener.getsockname()[:2])
        self._task = asyncio.create_task(self._server.serve([listener]), name="web")
        await self._server.begun.wait()

    def publish(self, snapshot: Snapshot) -> None:
        """Show this as the newest of its stream."""
        self._facts.snapshots[snapshot.stream] = snapshot

    def set_waiting(self, stream: str, reason: str) -> None:
        """Say why a stream is not ready; one that was ready once stays ready.

        Raises:
            ValueError: if there is no such stream.
        """
        self._check(stream)
        if stream in self._facts.waiting:
            self._facts.waiting[stream] = reason

    def set_ready(self, stream: str) -> None:
        """The stream's first assignment is done.

        Raises:
            ValueError: if there is no such stream.
        """
        self._check(stream)
        self._facts.waiting.pop(stream, None)

    async def wait(self) -> None:
        """Return when the server was stopped.

        Raises:
            RuntimeError: if it ended or failed without having been asked to.
        """
        if self._task is None:
            raise RuntimeError("the web server was not started")
        await asyncio.wait({self._task})
        if not self._server.should_exit:
            error = None if self._task.cancelled() else self._task.exception()
            raise RuntimeError(f"the web server on {self.address} ended by itself") from error

    async def stop(self, deadline_seconds: float) -> None:
        """Stop accepting, let answers under way finish, and be gone within the deadline.

        Args:
            deadline_seconds: after it, connections are closed whatever they were doing.
        """
        if self._task is None:
            return
        self._server.should_exit = True
        self._server.stop_accepting()
        patience = max(0.0, deadline_seconds - FORCE_SECONDS)
        _, open_still = await asyncio.wait({self._task}, timeout=patience)
        if open_still:
            self._connections.abort()
            self._server.force_exit = True
            await asyncio.wait(open_still, timeout=deadline_seconds - patience)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _check(self, stream: str) -> None:
        if stream not in self._streams:
            raise ValueError(f"there is no stream {stream!r}, only {sorted(self._streams)}")


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the service and says when it has begun."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.begun.set()

    def stop_accepting(self) -> None:
        for server in self.servers if self.started else ():
            server.close()


async def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, or one clear sentence."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = min(found, key=lambda answer: answer[0] != socket.AF_INET)
        both = address[0] == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, dualstack_ipv6=both)
    except OSError as error:
        known = error.errno in errno.errorcode
        reason = os.strerror(error.errno or 0) if known else error.strerror
        raise ListenError(
            f"web.listen: cannot listen on {_shown(host, port)}: {reason}; "
            "free that address or set web.listen to another one (port 0 takes any free port)"
        ) from error


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
