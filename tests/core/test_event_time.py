"""Event time: magnitudes, RFC 3339, pointers, precedence of the rules, hostile bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamgauge.core.event_time import (
    DEFAULT_EVENT_TIME,
    MAX_VALUE_BYTES,
    YEAR_10000_MS,
    EventTime,
    FirstSightingRule,
    HeaderRule,
    PointerRule,
    RecordRule,
    read_event_time,
    read_header_time,
)
from streamgauge.core.first_sightings import FirstSightings
from streamgauge.model import EventTimeSource

MS = 1795217557332
"""2026-11-20T23:32:37.332Z."""

HEADER, POINTER, RECORD = (
    EventTimeSource.HEADER,
    EventTimeSource.POINTER,
    EventTimeSource.RECORD,
)


def at(pointer, value):
    """What one pointer says of a value."""
    if value is not None and not isinstance(value, bytes):
        value = orjson.dumps(value)
    return read_event_time([PointerRule(pointer)], [], value, None)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1795217557", 1795217557000),
        ("1795217557.332", MS),
        ("1795217557.3329999999999999999999999", MS),
        ("1795217557.3", MS - 32),
        ("1795217557332", MS),
        ("1795217557332.9", MS),
        ("1795217557332999", MS),
        ("1795217557332999999", MS),
        ("1795217557332999999.5", MS),
        ("0000000000001", 1000),
        ("0.001", 1),
        ("1", 1000),
        ("99999999999", 99999999999000),
        ("99999999999.9", 99999999999900),
        ("100000000000", 100000000000),
        ("99999999999999", 99999999999999),
        ("100000000000000", 100000000000),
        ("99999999999999999", 99999999999999),
        ("100000000000000000", 100000000000),
        ("99999999999999999999", 99999999999999),
    ],
)
def test_numbers_by_magnitude(text, ms):
    """Seconds, milliseconds, microseconds and nanoseconds, rounded down, quoted or not."""
    assert read_header_time(text.encode()) == ms
    assert read_header_time(json.dumps(text).encode()) == ms
    assert at("", text) == (ms, POINTER, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.0009",
        "0000000000000",
        "-1",
        "-1795217557332",
        "+1795217557332",
        "100000000000000000000",
        "1795217557332.",
        ".5",
        "1795217557,332",
        "1_795_217_557",
        "1_795_217_557_332",
        " 1795217557332",
        "1795217557332 ",
        "1795217557332\n",
        "1.795e12",
        "0x1A1FCDF0",
        "nan",
        "inf",
        "Infinity",
        "true",
        "null",
        "\N{ARABIC-INDIC DIGIT ONE}795217557332",
        "\N{FULLWIDTH DIGIT ONE}795217557332",
        "17952175573\0\0",
        "\ufeff1795217557332",
    ],
)
def test_unreadable_text(text):
    """What Python's `int` or `float` would accept, and what means "not set", is no time."""
    assert read_header_time(text.encode()) is None
    assert read_header_time(json.dumps(text).encode()) is None
    assert at("", text) == (None, None, [POINTER])


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-20T23:32:37.332Z", MS),
        ("2026-11-20t23:32:37.332z", MS),
        ("2026-11-20 23:32:37.332Z", MS),
        ("2026-11-20T23:32:37.332999999999999999999Z", MS),
        ("2026-11-21T02:32:37.332+03:00", MS),
        ("2026-11-20T18:02:37.332-05:30", MS),
        ("2026-11-20T23:32:37.332-00:00", MS),
        ("2026-11-20T23:32:37Z", MS - 332),
        ("2026-11-20T23:32:37.3Z", MS - 32),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1970-01-01T00:00:00+00:00", None),
        ("1970-01-01T00:00:01+00:01", None),
        ("1969-12-31T23:59:00-00:02", 60000),
        ("0000-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59.999Z", YEAR_10000_MS - 1),
        ("9999-12-31T23:59:59.999-00:01", None),
        ("2024-02-29T00:00:00Z", 1709164800000),
        ("2023-02-29T00:00:00Z", None),
        ("2016-12-31T23:59:60Z", 1483228800000),
        ("2016-12-31T23:59:60.5Z", 1483228800500),
        ("2016-12-31T15:59:60-08:00", 1483228800000),
        ("2016-12-31T23:59:60+01:00", None),
        ("2016-12-31T12:00:60Z", None),
        ("2016-12-31T23:59:61Z", None),
        ("2026-11-20T24:00:00Z", None),
        ("2026-11-20T22:60:00Z", None),
        ("2026-13-20T22:00:00Z", None),
        ("2026-00-20T22:00:00Z", None),
        ("2026-11-31T22:00:00Z", None),
        ("2026-11-20T23:32:37+24:00", None),
        ("2026-11-20T23:32:37+01:60", None),
        ("2026-11-20T23:32:37", None),
        ("2026-11-20T23:32:37+0100", None),
        ("2026-11-20T23:32:37+01", None),
        ("2026-11-20T23:32Z", None),
        ("2026-11-20T23:32:37.Z", None),
        ("2026-11-20T23:32:37,5Z", None),
        ("2026-11-20T23:32:37.5 Z", None),
        ("2026-11-20T23:32:37ZZ", None),
        ("2026-11-20T23:32:37Z\n", None),
        ("2026-11-20_23:32:37Z", None),
        ("2026-11-20", None),
        ("20261120T233237Z", None),
        ("2026-W47-5T23:32:37Z", None),
        ("26-11-20T23:32:37Z", None),
        ("+2026-11-20T23:32:37Z", None),
        ("\N{ARABIC-INDIC DIGIT TWO}026-11-20T23:32:37Z", None),
        ("Fri, 20 Nov 2026 23:32:37 GMT", None),
    ],
)
def test_rfc3339(text, ms):
    """RFC 3339 and nothing looser, rounded down to milliseconds."""
    assert read_header_time(text.encode()) == ms
    assert read_header_time(json.dumps(text).encode()) == ms
    assert at("", text).ms == ms


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - zone is drawn
    st.integers(-1439, 1439),
)
def test_rfc3339_agrees_with_datetime(local, offset_minutes):
    """Every time that `datetime` can write is read back as the same instant."""
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert read_header_time(moment.isoformat().encode()) == (expected if expected > 0 else None)


@given(st.integers(0, 10**21), st.text("0123456789", max_size=12))
@example(10**12, "")
@example(10**11 - 1, "999")
def test_numbers_agree_with_exact_arithmetic(number, fraction):
    """Magnitude rules in exact fractions."""
    text = f"{number}.{fraction}" if fraction else str(number)
    scale = next((k for k in range(4) if number < 10 ** (11 + 3 * k)), None)
    expected = None if scale is None else Fraction(text) * 1000 // 1000**scale or None
    assert read_header_time(text.encode()) == expected


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (MS.to_bytes(8, "big"), MS),
        ((MS * 1000 + 999).to_bytes(8, "big"), MS),
        ((MS // 1000).to_bytes(8, "big"), MS // 1000 * 1000),
        (bytes(8), None),
        ((MS * 10**6).to_bytes(8, "big"), None),
        ((-1).to_bytes(8, "big", signed=True), None),
        (MS.to_bytes(8, "little"), None),
        (MS.to_bytes(7, "big"), None),
        (MS.to_bytes(9, "big"), None),
        (b"12345678", 12345678000),
    ],
)
def test_java_long(value, ms):
    """Eight bytes big-endian with a first byte of 0; any other eight bytes are text."""
    assert read_header_time(value) == ms


@pytest.mark.parametrize(
    "value",
    [b'"', b'""', b'"1795217557332', b'"1795217557332"x', b'"\\ud800"', b'"\xff"', b'"\\"1\\""'],
)
def test_unreadable_quotes(value):
    """Quotes that are no JSON string, or a string that is no time."""
    assert read_header_time(value) is None


def test_escapes_in_quotes_are_read():
    """A JSON writer may escape any character, and some escape the plus sign."""
    assert read_header_time(rb'"2026-11-20T23:32:37\u002b00:00"') == MS - 332


@given(st.binary(max_size=40))
@example(b"")
@example(b"\x00")
def test_any_header_bytes_are_read_or_not(value):
    """No exception; what is read lies between 1970 and the year 10000."""
    ms = read_header_time(value)
    assert ms is None or 0 < ms < YEAR_10000_MS


DOCUMENT = {
    "occurredAt": MS,
    "a/b": {"m~n": [{"": "2026-11-20T23:32:37Z"}, MS / 1000]},
    "list": [MS, [MS + 1]],
    "null": None,
    "0": MS + 2,
}


@pytest.mark.parametrize(
    ("pointer", "ms"),
    [
        ("/occurredAt", MS),
        ("/a~1b/m~0n/0/", MS - 332),
        ("/a~1b/m~0n/1", MS),
        ("/list/0", MS),
        ("/list/1/0", MS + 1),
        ("/0", MS + 2),
        ("/missing", None),
        ("/occurredat", None),
        ("/null", None),
        ("/null/x", None),
        ("/occurredAt/0", None),
        ("/list/2", None),
        ("/list/00", None),
        ("/list/01", None),
        ("/list/-", None),
        ("/list/-1", None),
        ("/list/+0", None),
        ("/list/ 0", None),
        ("/list/\N{ARABIC-INDIC DIGIT ZERO}", None),
        ("/list/99999999999999999999", None),
        ("/", None),
    ],
)
def test_pointer(pointer, ms):
    """RFC 6901; a member that is not there, or null, is absent and not unreadable."""
    assert at(pointer, DOCUMENT) == (ms, None if ms is None else POINTER, [])


@pytest.mark.parametrize("pointer", ["/", "/~01", "/~1", "/a~1~0b", "//", "/ "])
def test_pointer_escapes(pointer):
    """`~01` is `~1` and not `/`; empty and blank tokens are names."""
    name = pointer[1:].replace("~1", "\0").replace("~0", "~").replace("\0", "/")
    document = {"": {"": MS}} if pointer == "//" else {"~1" if pointer == "/~01" else name: MS}
    assert at(pointer, document).ms == MS


def test_the_pointer_to_the_whole_value():
    """The empty pointer, for values that are nothing but a time."""
    assert at("", MS) == (MS, POINTER, [])


@pytest.mark.parametrize(
    ("number", "ms"),
    [
        (1795217557.332, MS),
        (1795217557.001, 1795217557001),
        (1795217557, 1795217557000),
        (float(MS), MS),
        (1795217557332.75, MS),
        (1.795217557332e15, MS),
        (1.795217557332e18, MS),
        (1795217557332000000, MS),
        (0.5, 500),
        (1e-7, None),
        (0, None),
        (0.0, None),
        (-0.5, None),
        (-MS, None),
        (1e20, None),
        (1e300, None),
        (True, None),
        (False, None),
        ([], None),
        ({}, None),
    ],
)
def test_members_that_are_no_text(number, ms):
    """Integers and floats by magnitude; booleans and containers are unreadable."""
    assert at("/t", {"t": number}) == ((ms, POINTER, []) if ms else (None, None, [POINTER]))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00\x00\x00\x00\x01Avro",
        b"{",
        b'{"t":NaN}',
        b"\xef\xbb\xbf{}",
        b'{"t":"\xff"}',
        b"[" * 100_000,
        b'{"t":' * 2000 + b"1" + b"}" * 2000,
        b" " * MAX_VALUE_BYTES + b"1",
    ],
)
def test_a_value_that_is_no_json_is_unreadable(value):
    """Also nested too deeply, and too long to be searched; counted once for the value."""
    rules = [PointerRule("/t"), PointerRule("/u"), RecordRule()]
    assert read_event_time(rules, [], value, MS) == (MS, RECORD, [POINTER])


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (b'{"t":1,"t":1795217557332}', MS),
        (b'{"\\u0000":0,"t":1795217557332}', MS),
        (b'{"t":1795217557332}' + b" " * (MAX_VALUE_BYTES - 19), MS),
        (b'{"t":123456789012345678901234567890}', None),
    ],
)
def test_odd_json_is_read(value, ms):
    """Of equal names the last counts; a value of just the longest length is searched."""
    assert at("/t", value).ms == ms


def test_a_tombstone_has_no_members():
    """A null value is absent, not unreadable."""
    assert at("/t", None) == (None, None, [])


@given(st.binary(max_size=60), st.sampled_from(["", "/", "/0", "/a", "/a/0"]))
def test_any_value_is_read_or_not(value, pointer):
    """No exception for any bytes."""
    assert at(pointer, value).source in {None, POINTER}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
)


@given(JSON, st.sampled_from(["", "/0", "/a", "/0/0"]))
def test_any_json_is_read_or_not(document, pointer):
    """No exception for any JSON, also with what only Python writes as JSON."""
    result = at(pointer, json.dumps(document).encode())
    assert result.ms is None or 0 < result.ms < YEAR_10000_MS


@pytest.mark.parametrize(
    ("timestamp", "result"),
    [
        (MS, (MS, RECORD, [])),
        (1, (1, RECORD, [])),
        (YEAR_10000_MS - 1, (YEAR_10000_MS - 1, RECORD, [])),
        (None, (None, None, [])),
        (-1, (None, None, [])),
        (0, (None, None, [RECORD])),
        (-2, (None, None, [RECORD])),
        (YEAR_10000_MS, (None, None, [RECORD])),
        ((1 << 63) - 1, (None, None, [RECORD])),
    ],
)
def test_record_timestamp(timestamp, result):
    """-1 says that there is none; 0 and what no calendar holds are unreadable."""
    assert read_event_time([RecordRule()], [], b"", timestamp) == result


@pytest.mark.parametrize(
    ("headers", "ms", "unreadable"),
    [
        ([], None, 0),
        ([("event-time", None)], None, 0),
        ([("other", b"1795217557332")], None, 0),
        ([("event-time", b"1795217557332")], MS, 0),
        ([("Event-Time", b"1795217557332")], MS, 0),
        ([("event-time", b"1"), ("EVENT-TIME", b"1795217557332")], MS, 0),
        ([("event-time", b"1795217557332"), ("event-time", b"x")], MS, 1),
        ([("event-time", b"x"), ("event-time", b"1795217557332")], MS, 0),
        ([("event-time", b"1795217557332"), ("event-time", None)], MS, 0),
        ([("event-time", b"x"), ("event-time", b"y")], None, 2),
    ],
)
def test_repeated_headers(headers, ms, unreadable):
    """The last readable one counts; null is absent; only what was consulted is counted."""
    result = read_event_time([HeaderRule("event-time")], headers, None, None)
    assert result == (ms, None if ms is None else HEADER, [HEADER] * unreadable)


def test_names_outside_ascii_compare_in_lower_case():
    """A configured name may be in any script."""
    headers = [("EREIGNIS-GRÖSSE", b"1795217557332")]
    assert read_event_time([HeaderRule("ereignis-größe")], headers, None, None).ms is None
    assert read_event_time([HeaderRule("Ereignis-grösse")], headers, None, None).ms == MS


def test_the_first_rule_that_answers_counts():
    """In the order of the rules; a later value is not consulted, so it is not counted."""
    rules = [HeaderRule("a"), PointerRule("/t"), FirstSightingRule("carts"), RecordRule()]
    header, broken = [("a", b"1795217557332")], [("a", b"soon")]
    value = b'{"t": 1795217557000}'
    assert read_event_time(rules, header, b"no json", 0) == (MS, HEADER, [])
    assert read_event_time(rules, broken, value, 0) == (1795217557000, POINTER, [HEADER])
    assert read_event_time(rules, broken, b"{", 5) == (5, RECORD, [HEADER, POINTER])
    assert read_event_time(rules, broken, b"{", 0) == (None, None, [HEADER, POINTER, RECORD])
    assert read_event_time(rules[::-1], header, value, 5) == (5, RECORD, [])


def test_no_rules_and_no_sighting_answer_nothing():
    """An empty list of rules, and a rule that a record alone cannot answer."""
    assert read_event_time([], [], b"1", MS) == EventTime(None, None, [])
    assert read_event_time([FirstSightingRule("carts")], [], b"1", MS) == (None, None, [])


def test_a_first_sighting():
    """Of the trace, on the stream that the rule names; a stream that is not known says nothing."""
    context = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    carts = FirstSightings(4)
    carts.note([context], np.array([MS]))
    rules = [FirstSightingRule("shop"), FirstSightingRule("carts"), RecordRule()]
    sightings = {"carts": carts}
    sighted = (MS, EventTimeSource.FIRST_SIGHTING, [])

    def ask(context, sightings):
        return read_event_time(rules, [], None, 5, context=context, sightings=sightings)

    assert ask(context, sightings) == sighted
    assert ask(None, sightings) == (5, RECORD, [])
    assert ask(b"00-5" + context[4:], sightings) == (5, RECORD, [])
    assert ask(context, {}) == (5, RECORD, [])
    assert (carts.asked, carts.answered) == (2, 1)


def test_default_rules():
    """`event-time`, then CloudEvents' `ce_time`, then the record timestamp."""
    ce_time = ("ce_time", b"2026-11-20T23:32:37Z")
    for headers, expected in [
        ([ce_time, ("event-time", b"1795217557332")], (MS, HEADER, [])),
        ([ce_time], (MS - 332, HEADER, [])),
        ([], (5, RECORD, [])),
    ]:
        assert read_event_time(DEFAULT_EVENT_TIME, headers, b"", 5) == expected


@pytest.mark.parametrize("name", ["", "traceparent", "TraceState", "b3", "X-Datadog-Trace-Id"])
def test_a_header_that_can_carry_no_time_is_refused(name):
    """An empty name and the names of trace headers are a mistake of the configuration."""
    with pytest.raises(ValueError, match="event time header"):
        HeaderRule(name)


@pytest.mark.parametrize(
    ("pointer", "hint"),
    [("occurredAt", "start it with '/'"), ("/a~", "write '~0'"), ("/a~2b", "write '~0'")],
)
def test_a_pointer_that_is_none_is_refused(pointer, hint):
    """The error names the pointer and says what to write."""
    with pytest.raises(ValueError, match=hint) as raised:
        PointerRule(pointer)
    assert repr(pointer) in str(raised.value)


def test_rules_are_values():
    """Equal rules are equal and usable as keys, whatever they derived."""
    assert HeaderRule("a") == HeaderRule("a") != HeaderRule("A")
    assert len({PointerRule("/a"), PointerRule("/a"), RecordRule(), RecordRule()}) == 2
    assert repr(PointerRule("/a")) == "PointerRule(pointer='/a')"
