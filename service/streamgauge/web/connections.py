"""The open connections: bounded in number, and all of them can be closed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

MAX_CONNECTIONS: Final = 100
"""One more closes the oldest, so that a probe gets through whoever holds the others."""


class Connections:
    """Transports in the order in which they were accepted."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Transport, None] = {}
        self.dropped = 0
        """Connections closed because there were too many."""

    def opened(self, transport: asyncio.Transport) -> None:
        """Take one in, and if need be close the oldest for it."""
        if len(self._open) >= MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.abort()
            self.dropped += 1
        self._open[transport] = None

    def closed(self, transport: asyncio.Transport) -> None:
        """Forget one that is gone."""
        self._open.pop(transport, None)

    def abort(self) -> None:
        """Close all at once; what was not yet sent is discarded."""
        for transport in self._open:
            transport.abort()

    def protocol(self) -> type[H11Protocol]:
        """The class of uvicorn's HTTP/1.1 protocol whose instances are registered here."""
        connections = self

        class Connection(H11Protocol):
            """One connection, whose requests are not logged: a probe is no event."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it as well
                super().connection_made(transport)
                self.access_log = False
                connections.opened(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                connections.closed(self.transport)
                super().connection_lost(exc)

        return Connection
