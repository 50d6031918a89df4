"""Dead letters of real frameworks, and a few that none of them would write here."""

from __future__ import annotations

import json
from pathlib import Path

from streamgauge.core.explain import LineRecord, parse_line

DATA = Path(__file__).parent.parent.parent / "data" / "dead-letters"
MS = 1_795_217_557_332


def real_letters():
    """Name, record and what the corpus says of it, for each record."""
    return [
        (f"{path.stem}-{number}", parse_line(line), json.loads(line))
        for path in sorted(DATA.glob("*.jsonl"))
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
    ]


def letter(headers=(), *, value=None, topic="orders.dlq", timestamp=MS, timestamp_type=0):
    """A record with these headers; texts are encoded, integers are written as 8 bytes."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    return LineRecord(
        topic=topic,
        partition=0,
        offset=0,
        timestamp=timestamp,
        timestamp_type=timestamp_type,
        key=None,
        value=value,
        headers=[(name, as_bytes(header)) for name, header in pairs],
    )


def as_bytes(value):
    """The bytes of a header."""
    if isinstance(value, str):
        return value.encode()
    return value.to_bytes(8, "big", signed=True) if isinstance(value, int) else value
