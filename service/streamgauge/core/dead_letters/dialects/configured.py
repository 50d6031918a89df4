"""Headers whose names are configured, written by whoever: integers in either encoding.

The first of several is the origin's. Where the record was passed on, an error of which there are
not as many as hops may be that of any hop, and is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Address, Dialect
from streamgauge.core.dead_letters.dialects.spring_listener import consumer_of
from streamgauge.core.dead_letters.dialects.told import NOWHERE, Told
from streamgauge.core.dead_letters.error_chain import read_chain, read_class, read_error_text
from streamgauge.core.dead_letters.failure import NO_FAILURE, Failure, failure_of
from streamgauge.core.dead_letters.headers import read_name, read_topic
from streamgauge.core.dead_letters.integers import (
    MOST_ATTEMPTS,
    MOST_OFFSET,
    MOST_PARTITION,
    plausible_attempts,
    plausible_ms,
    read_either,
)
from streamgauge.core.dead_letters.message import read_message
from streamgauge.core.event_time import read_header_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamgauge.core.dead_letters.headers import Headers
    from streamgauge.core.dead_letters.rules import ReadingRules
    from streamgauge.model import Record

_ADDRESS: Final = ("original_topic", "original_offset", "original_partition")
_ERROR: Final = ("error_class", "cause_class", "message", "stacktrace")
_MS_BYTES: Final = 6
"""As Java's `BigInteger` writes the milliseconds of our time."""


def speaks(headers: Headers, rules: ReadingRules) -> bool:
    """Whether a configured header is there that is not only one of a record that was put back."""
    return any(
        name in headers for name in rules.headers.values() if name not in rules.requeue_headers
    )


def read(headers: Headers, record: Record, rules: ReadingRules) -> Told:
    """What the configured headers say."""
    names = rules.headers

    def first(field: str) -> bytes | None:
        return headers.first(names[field]) if field in names else None

    def last(field: str) -> bytes | None:
        return headers.last(names[field]) if field in names else None

    hops = max((headers.count(names[field]) for field in _ADDRESS if field in names), default=0)
    failure, consumer = _failure(first) if _has_all(headers, names, hops) else (NO_FAILURE, None)
    attempts = plausible_attempts(read_either(last("attempts"), MOST_ATTEMPTS))
    failed_at = first("failed_at")
    previous = _address(last)
    return Told(
        dialect=Dialect.CONFIGURED,
        origin=_address(first),
        original_timestamp=_time(first("original_timestamp")),
        previous_hop=previous if hops > 1 and previous != NOWHERE else None,
        hops=hops or None,
        consumer_group=read_name(first("consumer_group")),
        consumer=read_name(first("consumer")) or consumer,
        attempts=attempts if hops <= 1 else None,
        failure=failure,
        stage=read_name(first("stage")),
        failed_at=record.timestamp if failed_at is None else _time(failed_at),
    )


def _has_all(headers: Headers, names: Mapping[str, str], hops: int) -> bool:
    """Whether each hop wrote its own error."""
    return hops <= 1 or all(
        headers.count(names[field]) in {0, hops} for field in _ERROR if field in names
    )


def _address(which: Callable[[str], bytes | None]) -> Address:
    return Address(
        read_topic(which("original_topic")),
        read_either(which("original_partition"), MOST_PARTITION),
        read_either(which("original_offset"), MOST_OFFSET),
    )


def _failure(which: Callable[[str], bytes | None]) -> tuple[Failure, str | None]:
    message = read_message(which("message"))
    chain = read_chain(which("stacktrace"))
    error_class = which("error_class")
    thrown = read_class(error_class)
    if thrown is None and not chain.links:
        chain = read_error_text(read_message(error_class))
    if thrown is None and not chain.links:
        chain = read_error_text(message)
        message = None if chain.links else message
    failure = failure_of(
        chain, thrown=thrown, cause=read_class(which("cause_class")), message=message
    )
    root = read_class(which("root_cause_class"))
    if root is not None:
        failure = failure._replace(root_cause_class=root, classes=(*failure.classes, root))
    return failure, consumer_of(message, chain)


def _time(value: bytes | None) -> int | None:
    if value is None:
        return None
    if len(value) == _MS_BYTES and value[0] == 1:
        return int.from_bytes(value, "big")
    return plausible_ms(read_header_time(value))
