"""Free TCP ports of this machine that no outgoing connection can take."""

from __future__ import annotations

import random
import socket
from typing import Final

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
"""Below the ranges from which Linux (32768 on) and macOS (49152 on) number outgoing connections.

A port from that range could be taken while a killed server is down, by the very client that tries
to reach it again (a connection to itself); then the server could not come back on its port.
"""
_ATTEMPTS: Final = 1_000


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Give `count` different ports that nobody listens on at `host`.

    Raises:
        OSError: no free port was found.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(range(_LOWEST, _HIGHEST), _ATTEMPTS):
        if len(found) == count:
            break
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        found.append(port)
    if len(found) < count:
        raise OSError(f"only {len(found)} of {count} free ports found at {host}")
    return tuple(found)
