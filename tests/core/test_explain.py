"""Records from lines of JSON, and what the gauge reads in them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import DEFAULT_EVENT_TIME, HeaderRule, PointerRule, RecordRule
from streamgauge.core.explain import LineError, LineRecord, explain, parse_line

DATA = Path(__file__).parent.parent / "data"
MS = 1795217557332
T = "4bf92f3577b34da6a3ce929d0e0e4736"
S = "00f067aa0ba902b7"


def b64(data):
    """Base64 of bytes as text, null for null."""
    return None if data is None else base64.b64encode(data).decode()


def real_lines(folder):
    """The lines of the records of real frameworks as pytest parameters."""
    return [
        pytest.param(line, id=f"{path.stem}-{number}")
        for path in sorted((DATA / folder).glob("*.jsonl"))
        for number, line in enumerate(path.read_bytes().splitlines(), 1)
    ]


@pytest.mark.parametrize("line", real_lines("traces"))
def test_record_of_a_real_framework(line):
    """The record as Kafka had it, its trace as the writer knows it, its own time."""
    fields = json.loads(line)
    expected = fields["expected"]
    record = parse_line(line)
    assert (record.topic, record.partition, record.offset) == (
        fields["topic"],
        fields["partition"],
        fields["offset"],
    )
    assert (b64(record.key), b64(record.value)) == (fields["key_b64"], fields["value_b64"])
    assert [[name, b64(value)] for name, value in record.headers] == fields["headers"]
    assert (record.timestamp, record.timestamp_type) == (fields["timestamp"], 0)
    told = explain(record, DEFAULT_EVENT_TIME)
    assert (told["event_time"], told["event_time_source"]) == (fields["timestamp"], "record")
    origin = fields.get("origin")
    if told["dead_letter"] is not None:
        said = told["dead_letter"]
        address = [said[f"original_{name}"] for name in ("topic", "partition", "offset")]
        assert address == [origin["topic"], origin["partition"], origin["offset"]]
    if expected["trace_id"] is None:
        assert told["trace"] is None
    else:
        trace = told["trace"]
        assert trace["trace_id"] == expected["trace_id"]
        assert expected["span_id"] in {None, trace["span_id"]}
        assert trace["sampled"] is (int(expected.get("flags", "01"), 16) % 2 == 1)
        assert trace["source"] == expected.get("from", "w3c")


def test_explanation_is_json_of_exactly_these_members():
    """Names and types that scripts may rely on, with and without an answer."""
    headers = [
        ("traceparent", f"00-{T}-{S}-03".encode()),
        ("tracestate", b"a=1"),
        ("event-time", b"2026-11-20T23:32:37.332Z"),
    ]
    record = LineRecord("orders", 0, 7, MS + 5, 0, None, b'{"t": 1795217557}', headers)
    answered = {
        "event_time": MS,
        "event_time_source": "header",
        "trace": {
            "trace_id": T,
            "span_id": S,
            "sampled": True,
            "tracestate": "a=1",
            "source": "w3c",
        },
        "dead_letter": None,
    }
    told = explain(record, DEFAULT_EVENT_TIME)
    assert told == answered
    assert type(told["event_time_source"]) is type(told["trace"]["source"]) is str
    assert json.loads(json.dumps(told)) == answered
    rules = [PointerRule("/t")]
    assert explain(record, rules)["event_time_source"] == "pointer"
    assert explain(LineRecord(None, -1, -1, -1, None, None, None, ()), DEFAULT_EVENT_TIME) == {
        "event_time": None,
        "event_time_source": None,
        "trace": None,
        "dead_letter": None,
    }


LETTER = (
    "dialect",
    "original_topic",
    "original_partition",
    "original_offset",
    "original_timestamp",
    "previous_hop",
    "hops",
    "consumer_group",
    "consumer",
    "attempts",
    "error_class",
    "root_cause_class",
    "message",
    "stage",
    "failed_at",
    "retrying",
    "kind",
)


@pytest.mark.parametrize("line", real_lines("dead-letters"))
def test_dead_letter_of_a_real_framework(line):
    """All members in their order, ready for JSON, whether its topic is known or its headers say it.

    What needs the rules is null without them: nothing in the headers says that it is dead.
    """
    record = parse_line(line)
    told = explain(record, DEFAULT_EVENT_TIME, ReadingRules(), record.topic)["dead_letter"]
    assert tuple(told) == LETTER
    assert json.loads(json.dumps(told)) == told
    by_headers = told["dialect"] not in {"json-envelope", "unclassified"}
    unasked = explain(record, DEFAULT_EVENT_TIME)["dead_letter"]
    assert unasked == (told | {"retrying": unasked["retrying"]} if by_headers else None)


def test_hops_and_rules_of_a_dead_letter():
    """The previous hop is an object; rules and topic count."""
    headers = [
        (f"original_{name}", str(number).encode())
        for name, number in (("partition", 2), ("offset", 7), ("partition", 0), ("offset", 1))
    ]
    record = LineRecord("dlq", 0, 7, MS, 0, None, None, headers)
    rules = ReadingRules(source_topics=("orders",), consumer_group="billing")
    told = explain(record, [], rules, "orders-retry")["dead_letter"]
    assert told["previous_hop"] == {"topic": None, "partition": 0, "offset": 1}
    assert (told["original_topic"], told["original_offset"], told["hops"]) == ("orders", 7, 2)
    assert (told["consumer_group"], told["retrying"], told["kind"]) == ("billing", True, "unknown")
    assert told["failed_at"] == MS


@pytest.mark.parametrize(
    ("headers", "source", "sampled"),
    [
        ([("b3", f"{T}-{S}-0")], "b3", False),
        ([("x-datadog-trace-id", "1"), ("x-datadog-parent-id", "2")], "datadog", False),
    ],
)
def test_sources_of_a_trace(headers, source, sampled):
    """The trace says which headers it was read from."""
    pairs = [(name, value.encode()) for name, value in headers]
    trace = explain(LineRecord(None, 0, 0, MS, 0, None, None, pairs), [])["trace"]
    assert (trace["source"], trace["sampled"], trace["tracestate"]) == (source, sampled, None)


@pytest.mark.parametrize(
    ("line", "record"),
    [
        (
            (
                b'{"topic":"orders","partition":2,"offset":7,"tstype":"create","ts":1795217557332,'
                b'"broker":1,"headers":["a","1","b",null,"a","2"],"key":"k","payload":"{\\"t\\":1}"}'
            ),
            LineRecord(
                "orders",
                2,
                7,
                MS,
                0,
                b"k",
                b'{"t":1}',
                [("a", b"1"), ("b", None), ("a", b"2")],
            ),
        ),
        (
            (
                b'{"topic":"o","partition":0,"offset":0,"tstype":"logappend","ts":5,"broker":-1,'
                b'"key":null,"payload":null}'
            ),
            LineRecord("o", 0, 0, 5, 1, None, None, []),
        ),
        (
            (
                b'{"tstype":"unknown","ts":0,"headers":{"a":["1",null],"b":"2","c":null},'
                b'"key":"","payload":""}'
            ),
            LineRecord(
                None,
                -1,
                -1,
                0,
                None,
                b"",
                b"",
                [("a", b"1"), ("a", None), ("b", b"2"), ("c", None)],
            ),
        ),
        (
            b'{"key":"\xff\xc3\xa9","payload":"\\u0000\xed\xa0\x80","headers":["n\xfe","\xfe"]}',
            LineRecord(
                None, -1, -1, -1, None, b"\xff\xc3\xa9", b"\0\xed\xa0\x80", [("n\udcfe", b"\xfe")]
            ),
        ),
        (
            b'{"payload":"\\ud800","ts":12345678901234567890123}',
            LineRecord(None, -1, -1, 12345678901234567890123, None, None, b"\xed\xa0\x80", []),
        ),
    ],
)
def test_kcat_lines(line, record):
    """As kcat writes them: flat headers, headers as an object, bytes that are not UTF-8."""
    assert parse_line(line) == record


@pytest.mark.parametrize(
    ("fields", "record"),
    [
        (
            {
                "timestamp": MS,
                "timestamp_type": "LogAppendTime",
                "key_b64": "",
                "value_b64": "/w==",
                "headers": [["a", "MQ=="], ["a", None], ["é", ""]],
                "more": {"is": ["passed over"]},
            },
            LineRecord(None, -1, -1, MS, 1, b"", b"\xff", [("a", b"1"), ("a", None), ("é", b"")]),
        ),
        ({"headers": []}, LineRecord(None, -1, -1, -1, None, None, None, [])),
        (
            {"timestamp": None, "timestamp_type": "NoTimestampType", "headers": None},
            LineRecord(None, -1, -1, -1, None, None, None, []),
        ),
    ],
)
def test_base64_lines(fields, record):
    """Null and absent fields are absent; other fields are passed over."""
    assert parse_line(json.dumps(fields).encode()) == record


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "not JSON: Expecting value at column 1"),
        (b"{", "not JSON"),
        (b'{"ts":1} x', "not JSON: Extra data at column 10"),
        (b'{"ts":NaN}', "NaN is no JSON value"),
        (b'{"ts":' + b"9" * 5000 + b"}", "not JSON that can be read"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "expected an object, got a list"),
        (b"null", "expected an object, got null"),
        (b"1", "expected an object, got a number"),
        (b"true", "expected an object, got a boolean"),
        (b'"x"', "expected an object, got a string"),
        (b"{}", "no record in it"),
        (b'{"topic":"orders","offset":1}', "no record in it"),
        (b'{"ts":1,"topic":{}}', "topic: expected a string, got an object"),
        (b'{"ts":"1"}', "ts: expected an integer, got a string"),
        (b'{"ts":1.5}', "ts: expected an integer, got a fraction"),
        (b'{"ts":1e400}', "ts: expected an integer, got a fraction"),
        (b'{"ts":true}', "ts: expected an integer, got a boolean"),
        (b'{"ts":1,"partition":[]}', "partition: expected an integer, got a list"),
        (b'{"ts":1,"offset":"1"}', "offset: expected an integer, got a string"),
        (b'{"ts":1,"tstype":1}', "tstype: expected a string, got a number"),
        (b'{"payload":{}}', "payload: expected a string or null, got an object"),
        (b'{"payload":"","key":1}', "key: expected a string or null, got a number"),
        (b'{"payload":"","headers":"a"}', "headers: expected a list or an object"),
        (b'{"payload":"","headers":["a"]}', "headers: expected names and values in turn"),
        (b'{"payload":"","headers":[null,"a"]}', "headers: expected a name, got null"),
        (b'{"payload":"","headers":["a",1]}', "headers: 'a': expected a string or null"),
        (b'{"payload":"","headers":{"a":[[]]}}', "headers: 'a': expected a string or null"),
        (b'{"timestamp":"1"}', "timestamp: expected an integer, got a string"),
        (b'{"timestamp_type":0}', "timestamp_type: expected a string, got a number"),
        (b'{"key_b64":1}', "key_b64: expected base64 or null, got a number"),
        (b'{"value_b64":"a"}', "value_b64: not base64"),
        (b'{"value_b64":"YQ= ="}', "value_b64: not base64"),
        ('{"value_b64":"é"}'.encode(), "value_b64: not base64"),
        (b'{"headers":{}}', "headers: expected a list of pairs, got an object"),
        (b'{"headers":["a","MQ=="]}', "headers[0]: expected a name and base64 or null"),
        (b'{"headers":[["a",null],["a"]]}', "headers[1]: expected a name and base64 or null"),
        (b'{"headers":[[1,null]]}', "headers[0]: expected a name and base64 or null"),
        (b'{"headers":[["a","?"]]}', "headers[0][1]: not base64"),
    ],
)
def test_malformed_lines_say_what_is_wrong(line, message):
    """A clear error that names the field, for every way a line can be wrong."""
    with pytest.raises(LineError) as raised:
        parse_line(line)
    assert message in str(raised.value)
    assert isinstance(raised.value, ValueError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
)
FIELDS = ["timestamp", "timestamp_type", "key_b64", "value_b64", "headers", "topic", "offset"]
KCAT_FIELDS = ["ts", "tstype", "key", "payload", "headers", "topic", "partition", "broker"]


@given(
    st.binary(max_size=30)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(FIELDS + KCAT_FIELDS), JSON).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_any_line_is_a_record_or_malformed(line):
    """No other exception for any bytes, and every record can be explained."""
    try:
        record = parse_line(line)
    except LineError:
        return
    explain(record, [PointerRule("/a"), *DEFAULT_EVENT_TIME])


BYTES = st.none() | st.binary(max_size=20)
NAMES = st.sampled_from(["event-time", "traceparent", "tracestate", "b3"]) | st.text(max_size=4)


@given(st.integers() | st.none(), BYTES, BYTES, st.lists(st.tuples(NAMES, BYTES), max_size=4))
def test_any_record_comes_back_from_base64_as_it_was(timestamp, key, value, headers):
    """The right shape is never refused, whatever the bytes, and every byte is kept."""
    line = json.dumps(
        {
            "timestamp": timestamp,
            "timestamp_type": "CreateTime",
            "key_b64": b64(key),
            "value_b64": b64(value),
            "headers": [[name, b64(v)] for name, v in headers],
        }
    ).encode()
    record = parse_line(line)
    assert (record.key, record.value, record.headers) == (key, value, headers)
    assert explain(record, [HeaderRule("event-time"), PointerRule("/t"), RecordRule()])


@given(st.binary(max_size=30))
def test_bytes_come_back_from_kcat_as_they_were(value):
    """What kcat escapes is JSON must escape; every other byte is copied."""
    escaped = b"".join(
        b"\\u%04x" % byte if byte < 0x20 or byte in b'"\\' else bytes([byte]) for byte in value
    )
    record = parse_line(b'{"headers":["a","%b"],"payload":"%b"}' % (escaped, escaped))
    assert record.headers == [("a", value)]
    assert record.value == value
