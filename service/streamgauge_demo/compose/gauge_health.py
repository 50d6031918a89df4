"""Health check of the gauge in compose.yaml: it sees every partition and has told every sink.

So it vouches for the collector too, whose image has no program that could check it. Runs in the
sidecar's image, which has Python's standard library.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection
from typing import Any, Final

_ADDRESS: Final = "127.0.0.1:8080"
_TIMEOUT_SECONDS: Final = 4.0


def complaints(status: dict[str, Any]) -> list[str]:
    """What a status document (docs/status.md) lacks; a sink is wanting until it was told once."""
    found = [] if status["streams"] else ["no stream has a snapshot yet"]
    for name, stream in status["streams"].items():
        if stream["completeness"] != 1:
            found.append(f"{name}: completeness is {stream['completeness']}")
        for sink, health in stream["sinks"].items():
            if not health["delivered"]:
                found.append(f"{sink}: nothing delivered ({health['last_error']})")
    return found


def _main() -> str | None:
    """Give the complaints in one line; None, which is exit code 0, without any."""
    connection = HTTPConnection(_ADDRESS, timeout=_TIMEOUT_SECONDS)
    connection.request("GET", "/status")
    return "; ".join(complaints(json.load(connection.getresponse()))) or None


if __name__ == "__main__":
    sys.exit(_main())
