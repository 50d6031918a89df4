"""Health check of Dagster in compose.yaml: the demo's definitions are loaded.

Without them the webserver answers too, and shows nothing.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection
from typing import Final

_QUERY: Final = json.dumps({"query": "{ assetNodes { id } }"})
_TIMEOUT_SECONDS: Final = 8.0


def _main(address: str) -> str | None:
    """Give what is wrong; None, which is exit code 0, if nothing is."""
    connection = HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    connection.request("POST", "/graphql", _QUERY, {"Content-Type": "application/json"})
    told = json.load(connection.getresponse())
    return None if told["data"]["assetNodes"] else "no asset is defined"


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
