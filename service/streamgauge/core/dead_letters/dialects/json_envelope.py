"""The JSON envelope: what failed, and `failureMetadata` that says how.

Numbers may be texts, and the metadata a text that holds an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from streamgauge.core.dead_letters.dead_letter import Address, Dialect
from streamgauge.core.dead_letters.dialects.told import Told
from streamgauge.core.dead_letters.error_chain import read_error_text
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.headers import read_name, read_topic
from streamgauge.core.dead_letters.integers import (
    MOST_ATTEMPTS,
    MOST_OFFSET,
    MOST_PARTITION,
    plausible_attempts,
    plausible_ms,
    read_decimal,
)
from streamgauge.core.event_time import read_header_time

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES: Final = 1 << 20
"""A longer value is not parsed."""
_MARK: Final = b'"failureMetadata"'
_BOM: Final = b"\xef\xbb\xbf"


def read(value: bytes | None) -> Told | None:
    """What the value says; None if it is no envelope."""
    if value is None or len(value) > MOST_BYTES or _MARK not in value:
        return None
    value = value.removeprefix(_BOM)
    if value[:64].lstrip()[:1] != b"{":
        return None
    envelope = _parse(value)
    said = envelope.get("failureMetadata") if isinstance(envelope, dict) else None
    if isinstance(said, str) and said.lstrip().startswith("{"):
        said = _parse(said)
    return _told(said) if isinstance(said, dict) else None


def _parse(document: bytes | str) -> object:
    try:
        return orjson.loads(document)
    except orjson.JSONDecodeError:
        return None


def _told(said: Mapping[str, object]) -> Told:
    def text(name: str) -> bytes | None:
        """A text, or the digits of a number."""
        value = said.get(name)
        if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return value.encode() if isinstance(value, str) else None

    error = said.get("lastError")
    chain = read_error_text(error if isinstance(error, str) else None)
    time = text("lastAttemptAt")
    return Told(
        dialect=Dialect.JSON_ENVELOPE,
        origin=Address(
            read_topic(text("originalTopic")),
            read_decimal(text("originalPartition"), MOST_PARTITION),
            read_decimal(text("originalOffset"), MOST_OFFSET),
        ),
        consumer_group=read_name(text("consumerGroup")),
        consumer=read_name(text("consumer")),
        attempts=plausible_attempts(read_decimal(text("attemptCount"), MOST_ATTEMPTS)),
        failure=failure_of(
            chain, message=error if isinstance(error, str) and not chain.links else None
        ),
        failed_at=None if time is None else plausible_ms(read_header_time(time)),
    )
