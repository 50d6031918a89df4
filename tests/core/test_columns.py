"""The loop over all records: it says what the readers of one record say, for any bytes."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatch, LegacyRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.core.columns import MAX_KNOWN_NAMES, RecordReader
from streamgauge.core.event_time import (
    DEFAULT_EVENT_TIME,
    YEAR_10000_MS,
    FirstSightingRule,
    HeaderRule,
    PointerRule,
    RecordRule,
    read_event_time,
)
from streamgauge.core.first_sightings import FirstSightings
from streamgauge.core.trace_context import (
    OTHER_TRACE_HEADERS,
    Rejection,
    read_trace_context,
    read_traceparent,
)
from streamgauge.model import EVENT_TIME_SOURCES, UNKNOWN

DATA = Path(__file__).parent.parent / "data"
MS = 1795217557332
T = b"4bf92f3577b34da6a3ce929d0e0e4736"
S = b"00f067aa0ba902b7"
SAMPLED = b"00-%b-%b-01" % (T, S)
UNSAMPLED = b"00-%b-%b-02" % (T, S)


class Message(NamedTuple):
    """A record of the shape aiokafka hands out."""

    offset: int = 0
    timestamp: int | None = MS
    timestamp_type: int | None = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: object = ()


def read(records, rules=DEFAULT_EVENT_TIME, sightings=None):
    """Columns of these records, read by a new reader."""
    return RecordReader(rules, sightings or {}).read(
        "orders", 3, records, next_offset=17, received_ms=MS + 5, live=True
    )


def read_headers(*headers):
    """Columns of one record with these headers."""
    return read([Message(headers=headers)])


def test_the_poll_is_passed_on():
    """What the caller knows of the poll stands in the columns as it was given."""
    columns = read(iter([Message(offset=11), Message(offset=15)]))
    assert (columns.topic, columns.partition, columns.next_offset) == ("orders", 3, 17)
    assert (columns.received_ms, columns.live) == (MS + 5, True)
    assert columns.offsets.tolist() == [11, 15]


def test_columns_have_their_types_also_when_empty():
    """With rows and without: the same types and equal lengths."""
    for records in ([], [Message()], [Message()] * 3):
        columns = read(records)
        arrays = {
            name: getattr(columns, name)
            for name in ("offsets", "append_ms", "event_ms", "event_time_source", "sampled")
        }
        assert {name: array.dtype.name for name, array in arrays.items()} == {
            "offsets": "int64",
            "append_ms": "int64",
            "event_ms": "int64",
            "event_time_source": "int8",
            "sampled": "bool",
        }
        assert {len(array) for array in (*arrays.values(), columns.contexts)} == {len(records)}


def test_append_time_is_known_only_where_the_broker_wrote_it():
    """LogAppendTime says it; CreateTime, the oldest format and a missing timestamp do not."""
    columns = read(
        [
            Message(timestamp_type=0),
            Message(timestamp_type=1),
            Message(timestamp_type=None, timestamp=None),
            Message(timestamp_type=1, timestamp=None),
            Message(timestamp_type=1, timestamp=-1),
            Message(timestamp_type=1, timestamp=-2),
            Message(timestamp_type=1, timestamp=MS + 1),
        ]
    )
    unknown = UNKNOWN
    assert columns.append_ms.tolist() == [unknown, MS, *[unknown] * 4, MS + 1]


def test_event_time_sources():
    """Header, record and nothing, with their codes; unreadable values by source."""
    columns = read(
        [
            Message(headers=[("event-time", b"1795217557000")]),
            Message(headers=[("ce_time", b"2026-11-20T23:32:37Z")]),
            Message(),
            Message(timestamp=-1),
            Message(headers=[("event-time", b"soon"), ("ce_time", b"1795217557")]),
            Message(headers=[("event-time", b"soon")], timestamp=0),
        ]
    )
    assert columns.event_ms.tolist() == [1795217557000] * 2 + [MS, UNKNOWN, 1795217557000, UNKNOWN]
    header, record = EVENT_TIME_SOURCES.index("header"), EVENT_TIME_SOURCES.index("record")
    assert columns.event_time_source.tolist() == [header, header, record, -1, header, -1]
    assert columns.unreadable_event_times == {"header": 2, "record": 1}


def test_bytes_are_those_of_keys_values_and_headers():
    """Names in UTF-8, repeats counted, null is no byte."""
    name = "größe"
    columns = read(
        [
            Message(key=b"12", value=b"345"),
            Message(headers=[("a", b"1234"), ("a", b"5"), (name, None), (name, b"")]),
            Message(key=b"", value=b""),
        ]
    )
    assert columns.byte_count == 2 + 3 + 5 + 2 + 2 * len(name.encode())


def test_contexts_are_55_bytes_of_version_00():
    """As written, normalised, from b3, and none where there is no valid one."""
    b3 = b"%b-%b-1" % (T, S)
    columns = read(
        [
            Message(headers=[("traceparent", SAMPLED)]),
            Message(headers=[("TraceParent", b" cc-%b-%b-ff-more" % (T, S))]),
            Message(headers=[("b3", b3)]),
            Message(headers=[("b3", b3), ("traceparent", UNSAMPLED)]),
            Message(headers=[("b3", b3), ("traceparent", SAMPLED[:-1])]),
            Message(headers=[("traceparent", UNSAMPLED), ("traceparent", SAMPLED)]),
            Message(headers=[("traceparent", UNSAMPLED), ("traceparent", b"")]),
            Message(headers=[("traceparent", None)]),
            Message(headers=[("traceparent", SAMPLED + b"\n")]),
            Message(),
        ]
    )
    normalised = SAMPLED[:-2] + b"03"
    expected = [SAMPLED, normalised, SAMPLED, UNSAMPLED, SAMPLED, SAMPLED, UNSAMPLED]
    assert columns.contexts == [*expected, None, None, None]
    assert columns.sampled.tolist() == [e is not None and e != UNSAMPLED for e in columns.contexts]
    assert columns.rejected_contexts == {"traceparent_length": 3}


def test_tracestate_is_read_for_sampled_rows_with_a_traceparent():
    """Not for unsampled rows, not beside b3; an invalid one is counted and dropped."""
    stated = ("tracestate", b"a=1 , b=2")
    columns = read(
        [
            Message(headers=[("traceparent", UNSAMPLED), stated]),
            Message(headers=[stated, ("traceparent", SAMPLED)]),
            Message(headers=[("b3", b"%b-%b-1" % (T, S)), stated]),
            Message(headers=[stated]),
            Message(headers=[("traceparent", SAMPLED), ("tracestate", b"A=1")]),
            Message(headers=[("traceparent", UNSAMPLED), ("tracestate", b"A=1")]),
            Message(headers=[("traceparent", SAMPLED), ("tracestate", b"")]),
            Message(headers=[("traceparent", b"\t" + SAMPLED), stated]),
        ]
    )
    assert columns.tracestates == {1: "a=1,b=2", 7: "a=1,b=2"}
    assert columns.rejected_contexts == {"tracestate_format": 1}


def test_more_names_than_can_be_remembered():
    """Names are recognised also when the memory for names is full, and it stays bounded."""
    reader = RecordReader(DEFAULT_EVENT_TIME)
    names = [f"x-{number}" for number in range(2 * MAX_KNOWN_NAMES)]
    flood = [Message(headers=[(name, b"1")]) for name in names]
    wanted = Message(headers=[("traceparent", SAMPLED), ("EVENT-TIME", b"1795217557000")])
    columns = reader.read("t", 0, [*flood, wanted], next_offset=0, received_ms=MS, live=False)
    assert columns.contexts[-1] == SAMPLED
    assert columns.event_ms[-1] == 1795217557000
    assert columns.byte_count == sum(map(len, names)) + len(names) + 11 + 55 + 10 + 13
    assert len(reader._known_names) == MAX_KNOWN_NAMES  # noqa: SLF001 - the bound is what is tested


def test_a_name_without_utf8_is_counted():
    """Half a surrogate pair, as a lenient decoder leaves it, has a length too."""
    assert read_headers(("\udcff", b"1")).byte_count == 3 + 1


RULES = [
    DEFAULT_EVENT_TIME,
    (HeaderRule("a"), HeaderRule("b"), PointerRule("/t"), RecordRule()),
    (HeaderRule("A"), HeaderRule("a"), FirstSightingRule("carts"), RecordRule()),
    (FirstSightingRule("unknown"), FirstSightingRule("shop"), FirstSightingRule("carts")),
    (PointerRule("/t"), FirstSightingRule("carts"), PointerRule("/u"), HeaderRule("a")),
    (PointerRule("/t"), HeaderRule("event-time")),
    (RecordRule(), HeaderRule("a")),
    (HeaderRule("event-time"),),
    (),
]
TIMES = st.sampled_from(
    [None, b"", b"x", b"1795217557332", b"0000000000001", b"1", b"2026-11-20T23:32:37Z", bytes(8)]
)
TRACES = st.sampled_from(
    [
        *(None, b"", b"bad", b"0", b"1", b"true", S, T, b"a=1", b"A=1", b" a=1,b=2"),
        *(SAMPLED, UNSAMPLED, SAMPLED + b"\n", b" " + SAMPLED, b"01" + SAMPLED[2:] + b"-x"),
        *(b"00-%032d-%b-01" % (0, S), b"%b-%b-1" % (T, S), b"_dd.p.tid=%b" % S),
    ]
)
TRACE_NAMES = ["traceparent", "TRACEPARENT", "tracestate", *sorted(OTHER_TRACE_HEADERS)]
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["event-time", "Event-Time", "ce_time", "a", "A", "b"]), TIMES),
        st.tuples(st.sampled_from(TRACE_NAMES), TRACES),
        st.tuples(st.text(max_size=3), st.none() | st.binary(max_size=3)),
    ),
    max_size=6,
)
MESSAGES = st.builds(
    Message,
    offset=st.integers(0, 2**63 - 1),
    timestamp=st.sampled_from([None, -1, 0, 1, MS, YEAR_10000_MS - 1, YEAR_10000_MS, 2**63 - 1]),
    timestamp_type=st.sampled_from([0, 1, None]),
    key=st.none() | st.binary(max_size=5),
    value=st.sampled_from([None, b"", b"{", b'{"t":1}', b'{"t":"x"}', b'{"t":1795217557332}']),
    headers=HEADERS,
)


def seen(carts_ms, shop_ms):
    """First sightings of the trace on two streams, where they have a time."""
    sightings = {"carts": FirstSightings(4), "shop": FirstSightings(4)}
    sightings["carts"].note([UNSAMPLED], np.array([carts_ms]))
    sightings["shop"].note([SAMPLED], np.array([shop_ms]))
    return sightings


SEEN_MS = st.sampled_from([UNKNOWN, MS - 1_000, MS])


@given(st.lists(MESSAGES, max_size=4), st.sampled_from(RULES), SEEN_MS, SEEN_MS)
def test_columns_agree_with_the_readers_of_one_record(messages, rules, carts_ms, shop_ms):
    """Row by row: times, sources, contexts, tracestates, and every count."""
    sightings, asked = seen(carts_ms, shop_ms), seen(carts_ms, shop_ms)
    columns = read(messages, rules, sightings)
    unreadable, rejected = Counter(), Counter()
    for row, message in enumerate(messages):
        time = read_event_time(
            rules,
            message.headers,
            message.value,
            message.timestamp,
            context=read_traceparent(message.headers).value,
            sightings=asked,
        )
        unreadable.update(time.unreadable)
        assert columns.event_ms[row] == (UNKNOWN if time.ms is None else time.ms)
        code = columns.event_time_source[row]
        assert (EVENT_TIME_SOURCES[code] if code >= 0 else None) == time.source
        context, rejections = read_trace_context(message.headers)
        sampled = context is not None and context.sampled
        if not sampled:  # the columns do not read the tracestate of such a record
            rejections = [r for r in rejections if not r.startswith("tracestate")]
        rejected.update(rejections)
        assert columns.contexts[row] == read_traceparent(message.headers).value
        assert columns.sampled[row] == sampled
        assert columns.tracestates.get(row) == (context.tracestate if sampled else None)
    assert columns.unreadable_event_times == unreadable
    assert columns.rejected_contexts == rejected
    for stream, each in sightings.items():
        assert each.view == asked[stream].view


def test_the_first_sighting_answers_in_its_place():
    """After the headers before it, before the record; of a trace that any header names."""
    rules = (HeaderRule("event-time"), FirstSightingRule("carts"), RecordRule())
    messages = [
        Message(),
        Message(headers=[("traceparent", SAMPLED)]),
        Message(headers=[("traceparent", SAMPLED), ("event-time", b"1795217557000")]),
        Message(headers=[("b3", b"%b-%b-1" % (T, S)), ("event-time", b"soon")]),
        Message(headers=[("traceparent", SAMPLED[:3] + b"5" + SAMPLED[4:])]),
        Message(headers=[("traceparent", UNSAMPLED)]),
    ]
    sightings = seen(MS - 9, UNKNOWN)
    columns = read(messages, rules, sightings)
    assert columns.event_ms.tolist() == [MS, MS - 9, 1795217557000, MS - 9, MS, MS - 9]
    sources = [EVENT_TIME_SOURCES[code].value for code in columns.event_time_source]
    assert sources == [
        "record", "first_sighting", "header", "first_sighting", "record", "first_sighting",
    ]  # fmt: skip
    assert (sightings["carts"].asked, sightings["carts"].answered) == (4, 3)
    assert columns.unreadable_event_times == {"header": 1}
    assert read(messages, rules, {}).event_ms.tolist() == [MS, MS, 1795217557000, MS, MS, MS]


def test_a_reader_keeps_nothing_of_the_records():
    """A second poll through the same reader is read as by a new one."""
    reader = RecordReader(DEFAULT_EVENT_TIME)
    messages = [
        Message(headers=[("event-time", b"x"), ("traceparent", b"x")]),
        Message(headers=[("event-time", b"1795217557000"), ("traceparent", SAMPLED)]),
    ]
    for _ in range(2):
        columns = reader.read("t", 0, messages, next_offset=2, received_ms=MS, live=True)
        assert columns.event_ms.tolist() == [MS, 1795217557000]
        assert columns.contexts == [None, SAMPLED]
        assert columns.unreadable_event_times == {"header": 1}
        assert columns.rejected_contexts == {Rejection.TRACEPARENT_LENGTH: 1}


def test_records_of_aiokafka():
    """The compiled records of message format 2, null and repeated headers included."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    headers = [("event-time", b"1795217557000"), ("n", None), ("traceparent", SAMPLED)]
    builder.append(0, timestamp=MS, key=b"k", value=None, headers=headers)
    builder.append(1, timestamp=MS + 1, key=None, value=b"vv", headers=[])
    columns = read(DefaultRecordBatch(bytes(builder.build())))
    assert columns.offsets.tolist() == [0, 1]
    assert columns.event_ms.tolist() == [1795217557000, MS + 1]
    assert columns.append_ms.tolist() == [UNKNOWN, UNKNOWN]
    assert columns.contexts == [SAMPLED, None]
    assert columns.byte_count == 1 + 2 + 10 + 13 + 1 + 11 + 55


@pytest.mark.parametrize("magic", [0, 1])
def test_records_of_aiokafka_in_old_formats(magic):
    """Format 0 has no timestamp at all, format 1 has no headers."""
    builder = LegacyRecordBatchBuilder(magic=magic, compression_type=0, batch_size=1 << 20)
    builder.append(0, timestamp=MS, key=b"k", value=b"v")
    columns = read(LegacyRecordBatch(bytes(builder.build()), magic))
    assert columns.event_ms.tolist() == [MS if magic else UNKNOWN]
    assert columns.event_time_source.tolist() == [3 if magic else -1]
    assert columns.byte_count == 2


def test_records_of_real_frameworks():
    """The whole collection in one poll: every sampled context that is expected is there."""
    lines = [
        json.loads(line)
        for path in sorted((DATA / "traces").glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    records = [
        Message(
            headers=[(n, None if v is None else base64.b64decode(v)) for n, v in line["headers"]]
        )
        for line in lines
    ]
    columns = read(records)
    trace_ids = [None if c is None else c[3:35].decode() for c in columns.contexts]
    assert trace_ids == [line["expected"]["trace_id"] for line in lines]
    assert columns.rejected_contexts == {"traceparent_length": 4}
    assert np.count_nonzero(columns.sampled) == len(lines) - 2 - 4
