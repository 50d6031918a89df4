"""What the gauge reads in one record, and records read from lines of JSON."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from streamgauge.core.dead_letters.reading import has_dialect, read_dead_letter
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import read_event_time
from streamgauge.core.trace_context import read_trace_context
from streamgauge.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge.core.dead_letters.dead_letter import DeadLetter
    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.model import Record

_TIMESTAMP_TYPES: Final = {
    "CreateTime": 0,
    "LogAppendTime": 1,
    "create": 0,
    "logappend": 1,
}
"""Names in Java clients and in kcat; any other name means that there is no timestamp."""

_KCAT_FIELDS: Final = frozenset({"payload", "tstype", "ts", "broker"})
_BASE64_FIELDS: Final = frozenset(
    {"timestamp", "timestamp_type", "key_b64", "value_b64", "headers"}
)


class LineError(ValueError):
    """A line is not a record in either format; the text says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class LineRecord:
    """A record as one line of JSON has it; what the line leaves out is -1, null or empty."""

    topic: str | None
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def explain(
    record: Record,
    event_time_rules: Sequence[EventTimeRule],
    reading_rules: ReadingRules | None = None,
    topic: str | None = None,
) -> dict[str, object]:
    """Say what the gauge reads in one record; any bytes are allowed in it, nothing is raised.

    Args:
        record: Of any topic.
        event_time_rules: Of its stream.
        reading_rules: If it is of a dead letter topic, what is configured of that; None where
            nobody knows, and it is then read as a dead letter if its headers say that it is one.
        topic: Where it lies; None where nobody knows.

    Returns:
        JSON-ready: `event_time` in milliseconds since the epoch or null, `event_time_source` by
        its name or null, `trace` as `trace_id`, `span_id`, `sampled`, `tracestate` and `source`
        or null, and `dead_letter` as the fields of `DeadLetter` or null.
    """
    event_time = read_event_time(event_time_rules, record.headers, record.value, record.timestamp)
    context, _ = read_trace_context(record.headers)
    said = None
    if reading_rules is not None or has_dialect(record.headers):
        said = read_dead_letter(record, topic, reading_rules or ReadingRules())
    return {
        "event_time": event_time.ms,
        "event_time_source": event_time.source and event_time.source.value,
        "trace": context
        and {
            "trace_id": context.trace_id,
            "span_id": context.span_id,
            "sampled": context.sampled,
            "tracestate": context.tracestate,
            "source": context.source.value,
        },
        "dead_letter": said and _dead_letter(said),
    }


def _dead_letter(said: DeadLetter) -> dict[str, object]:
    return {
        "dialect": said.dialect.value,
        "original_topic": said.original_topic,
        "original_partition": said.original_partition,
        "original_offset": said.original_offset,
        "original_timestamp": said.original_timestamp,
        "previous_hop": said.previous_hop and said.previous_hop._asdict(),
        "hops": said.hops,
        "consumer_group": said.consumer_group,
        "consumer": said.consumer,
        "attempts": said.attempts,
        "error_class": said.error_class,
        "root_cause_class": said.root_cause_class,
        "message": said.message,
        "stage": said.stage,
        "failed_at": said.failed_at,
        "retrying": said.retrying,
        "kind": said.kind.value,
    }


def parse_line(line: bytes) -> LineRecord:
    """Read a record from one line of JSON, in one of two formats.

    With base64: `topic`, `partition`, `offset`, `timestamp` (ms), `timestamp_type` (`CreateTime` or
    `LogAppendTime`), `key_b64`, `value_b64` and `headers` as pairs of a name and base64 or null.

    As `kcat -J` writes it: `topic`, `partition`, `offset`, `tstype` (`create` or `logappend`), `ts`
    (ms), `key`, `payload` and `headers` as one flat list of names and values, or as an object of
    names with a value or a list of values. kcat writes bytes as they are: bytes that are not UTF-8
    come back as they were.

    Further fields are passed over.

    Raises:
        LineError: The line is not JSON, not an object, in neither format, or has a field of
            the wrong type.
    """
    fields = _parse_object(line)
    if fields.keys() & _KCAT_FIELDS:
        timestamp, timestamp_type = "ts", "tstype"
        key, value = _text_bytes(fields, "key"), _text_bytes(fields, "payload")
        headers = _kcat_headers(fields.get("headers"))
    elif fields.keys() & _BASE64_FIELDS:
        timestamp, timestamp_type = "timestamp", "timestamp_type"
        key, value = (_base64_bytes(fields.get(name), name) for name in ("key_b64", "value_b64"))
        headers = _base64_headers(fields.get("headers"))
    else:
        raise LineError(
            "no record in it: expected the fields of `kcat -J` (ts, key, payload, headers) or "
            "timestamp, key_b64, value_b64 and headers"
        )
    topic = fields.get("topic")
    if not isinstance(topic, str | None):
        raise LineError(f"topic: expected a string, got {_json_type(topic)}")
    return LineRecord(
        topic=topic,
        partition=_integer(fields, "partition"),
        offset=_integer(fields, "offset"),
        timestamp=_integer(fields, timestamp),
        timestamp_type=_timestamp_type(fields, timestamp_type),
        key=key,
        value=value,
        headers=headers,
    )


def _parse_object(line: bytes) -> dict[str, object]:
    try:
        fields = json.loads(line.decode("utf-8", "surrogateescape"), parse_constant=_no_constant)
    except RecursionError:
        raise LineError("not JSON that can be read: nested too deeply") from None
    except json.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise LineError(f"not JSON that can be read: {error}") from None
    if not isinstance(fields, dict):
        raise LineError(f"expected an object, got {_json_type(fields)}")
    return fields


def _no_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def _json_type(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")


def _integer(fields: dict[str, object], name: str) -> int:
    value = fields.get(name)
    if value is None:
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, int):
        got = "a fraction" if isinstance(value, float) else _json_type(value)
        raise LineError(f"{name}: expected an integer, got {got}")
    return value


def _timestamp_type(fields: dict[str, object], name: str) -> int | None:
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise LineError(f"{name}: expected a string, got {_json_type(value)}")
    return None if value is None else _TIMESTAMP_TYPES.get(value)


def _text_bytes(fields: dict[str, object], name: str) -> bytes | None:
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise LineError(f"{name}: expected a string or null, got {_json_type(value)}")
    return None if value is None else _original_bytes(value)


def _original_bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # an escaped half of a surrogate pair, which no bytes stand for
        return text.encode("utf-8", "surrogatepass")


def _base64_bytes(value: object, where: str) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise LineError(f"{where}: expected base64 or null, got {_json_type(value)}")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise LineError(f"{where}: not base64: {error}") from None


def _base64_headers(headers: object) -> list[tuple[str, bytes | None]]:
    if not isinstance(headers, list | None):
        raise LineError(f"headers: expected a list of pairs, got {_json_type(headers)}")
    pairs: list[tuple[str, bytes | None]] = []
    for position, pair in enumerate(headers or ()):
        match pair:
            case [str(name), value]:
                pairs.append((name, _base64_bytes(value, f"headers[{position}][1]")))
            case _:
                raise LineError(f"headers[{position}]: expected a name and base64 or null")
    return pairs


def _kcat_headers(headers: object) -> list[tuple[str, bytes | None]]:
    if isinstance(headers, dict):
        listed = [
            (name, value)
            for name, values in headers.items()
            for value in (values if isinstance(values, list) else [values])
        ]
    elif not isinstance(headers, list | None):
        raise LineError(f"headers: expected a list or an object, got {_json_type(headers)}")
    elif headers and len(headers) % 2:
        raise LineError("headers: expected names and values in turn, got an odd number")
    else:
        flat = iter(headers or ())
        listed = list(zip(flat, flat, strict=True))
    pairs: list[tuple[str, bytes | None]] = []
    for name, value in listed:
        if not isinstance(name, str):
            raise LineError(f"headers: expected a name, got {_json_type(name)}")
        if not isinstance(value, str | None):
            got = _json_type(value)
            raise LineError(f"headers: {name!r}: expected a string or null, got {got}")
        pairs.append((name, None if value is None else _original_bytes(value)))
    return pairs
