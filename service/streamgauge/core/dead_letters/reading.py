"""A record of a dead letter topic, understood: its dialect, and what the configuration adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.core.dead_letters.dead_letter import Address, DeadLetter
from streamgauge.core.dead_letters.dialects import (
    arroyo,
    configured,
    connect,
    json_envelope,
    share_group,
    smallrye,
    spring,
    spring_cloud_stream,
    spring_retry,
    streams,
)
from streamgauge.core.dead_letters.dialects.decimal_address import LOG_APPEND_TIME
from streamgauge.core.dead_letters.dialects.told import Told
from streamgauge.core.dead_letters.failure import NO_FAILURE
from streamgauge.core.dead_letters.headers import Headers
from streamgauge.core.dead_letters.integers import plausible_ms
from streamgauge.core.dead_letters.kind import kind_of
from streamgauge.core.dead_letters.message import mask
from streamgauge.core.dead_letters.retrying import is_retrying
from streamgauge.core.dead_letters.rules import REQUEUE_HEADERS, ReadingRules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge.model import Record

_BY_HEADERS: Final = (
    spring,
    spring_retry,
    spring_cloud_stream,
    connect,
    streams,
    share_group,
    smallrye,
    arroyo,
)
"""In the order in which they are asked: after hops several may be in one record."""
_NOTHING_CONFIGURED: Final = ReadingRules()


def has_dialect(headers: Sequence[tuple[str, bytes | None]]) -> bool:
    """Whether the headers say that the record is a dead letter, or was put back to be retried."""
    found = Headers(headers)
    return any(dialect.speaks(found) for dialect in _BY_HEADERS) or any(
        name in found for name in REQUEUE_HEADERS
    )


def read_dead_letter(
    record: Record, topic: str | None, rules: ReadingRules = _NOTHING_CONFIGURED
) -> DeadLetter:
    """Understand a record; any bytes are allowed in it, nothing is raised.

    Args:
        record: Of a dead letter topic.
        topic: That topic; None if nobody knows.
        rules: What is configured of it.
    """
    headers = Headers(record.headers)
    told = _told(headers, record, rules)
    failure = told.failure
    origin = told.origin
    original_topic = origin.topic
    if original_topic is None and told.has_origin and len(rules.source_topics) == 1:
        original_topic = rules.source_topics[0]
    timestamp = plausible_ms(record.timestamp)
    failed_at = plausible_ms(told.failed_at)
    if failed_at is None and record.timestamp_type == LOG_APPEND_TIME:
        failed_at = timestamp
    return DeadLetter(
        dialect=told.dialect,
        original_topic=original_topic,
        original_partition=origin.partition,
        original_offset=origin.offset,
        original_timestamp=plausible_ms(told.original_timestamp),
        previous_hop=told.previous_hop,
        hops=told.hops,
        consumer_group=told.consumer_group or rules.consumer_group or told.derived_group,
        consumer=told.consumer,
        attempts=told.attempts,
        error_class=failure.error_class,
        root_cause_class=failure.root_cause_class,
        message=mask(failure.message),
        stage=told.stage,
        failed_at=failed_at,
        retrying=is_retrying(told, headers, topic, timestamp, rules),
        kind=kind_of(failure.classes, told.stage),
    )


def _told(headers: Headers, record: Record, rules: ReadingRules) -> Told:
    """By the first dialect that speaks; configured headers fill in what it leaves open."""
    spoken = [dialect for dialect in _BY_HEADERS if dialect.speaks(headers)]
    if spoken:
        told = spoken[0].read(headers, record)
        if len(spoken) > 1:  # how often it was passed on before, the first dialect does not know
            told = told._replace(hops=None)
    elif rules.headers and configured.speaks(headers, rules):
        return configured.read(headers, record, rules)
    else:
        told = json_envelope.read(record.value) or Told()
    return _filled(told, configured.read(headers, record, rules)) if rules.headers else told


def _filled(told: Told, more: Told) -> Told:
    """What is known of one, else of the other; an error is taken as a whole."""
    origin = told.origin
    if told.has_origin:
        origin = Address(
            origin.topic or more.origin.topic,
            more.origin.partition if origin.partition is None else origin.partition,
            more.origin.offset if origin.offset is None else origin.offset,
        )
    return told._replace(
        origin=origin,
        original_timestamp=told.original_timestamp or more.original_timestamp,
        consumer_group=told.consumer_group or more.consumer_group,
        consumer=told.consumer or more.consumer,
        attempts=told.attempts or more.attempts,
        failure=more.failure if told.failure == NO_FAILURE else told.failure,
        stage=told.stage or more.stage,
    )
