"""Whole batches are read as their records are: the same columns, or none."""

from __future__ import annotations

import random
import struct
from dataclasses import fields

import numpy as np
import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import (
    DEFAULT_EVENT_TIME,
    FirstSightingRule,
    HeaderRule,
    PointerRule,
    RecordRule,
)
from streamgauge.core.first_sightings import FirstSightings
from streamgauge.core.record_batches import RawBatch
from streamgauge.model import EVENT_TIME_SOURCES

MS = 1795217557332
TRACE = b"00-%032x-%016x-%b"
HEADER_BYTES = 61
SPAN_0 = TRACE % (7, 0, b"01")
TRACE_0 = TRACE % (0, 7, b"01")
ENDS_IN_ZEROS = TRACE % (1 << 64, 1 << 40, b"01")


def regular(row):
    """A record as most clients write it."""
    headers = [
        (
            "traceparent",
            TRACE % ((row + 1) * 7**30, (row + 1) * 7**15, b"01" if row % 3 else b"00"),
        ),
        ("content-type", b"application/json"),
        ("event-time", b"%d" % (MS - row)),
    ]
    return b"%d" % row, b"v" * (row * 37 % 300), headers


def batch_of(records, first_offset=0, offsets=None):
    """The bytes of one batch."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 30)
    for row, (key, value, headers) in enumerate(records):
        at = row if offsets is None else offsets[row]
        assert builder.append(at, MS + row * 3, key, value, headers)
    batch = builder.build()
    batch[0:8] = struct.pack(">q", first_offset)
    return batch


def raw(batch):
    """The same, cut as a tail cuts it."""
    base_offset, attributes, first_ms, greatest_ms, count = struct.unpack_from(
        ">q13xh4xqq14xi", batch
    )
    append_ms = greatest_ms if attributes & 8 else None
    return RawBatch(base_offset, first_ms, append_ms, count, bytes(batch[HEADER_BYTES:]))


def columns_of(batches, rules=DEFAULT_EVENT_TIME, sightings=None):
    """Read as whole batches, and record by record; None if the records cannot be read so."""
    reader = RecordReader(rules, sightings or {})
    poll = {"next_offset": 17, "received_ms": MS + 5, "live": True}
    whole = reader.read_batches("orders", 3, [raw(each) for each in batches], **poll)
    try:
        records = [record for each in batches for record in DefaultRecordBatch(bytes(each))]
    except (ValueError, CorruptRecordException):
        return whole, None
    return whole, reader.read("orders", 3, records, **poll)


def assert_equal(whole, single):
    """Every column, with its type."""
    for field in fields(single):
        one, other = getattr(whole, field.name), getattr(single, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype, field.name
            assert one.tolist() == other.tolist(), field.name
        else:
            assert one == other, field.name


ODD = {
    "no header": [],
    "null values": [("traceparent", None), ("event-time", None), ("x", None)],
    "no trace context": [("event-time", b"%d" % MS)],
    "refused": [("traceparent", b"00-no")],
    "as long, and refused": [("traceparent", b"0" * 55)],
    "another version": [("traceparent", b"01" + (TRACE % (5, 6, b"01"))[2:])],
    "zero span": [("traceparent", SPAN_0)],
    "zero trace": [("traceparent", TRACE_0)],
    "zeros at the end": [("traceparent", ENDS_IN_ZEROS)],
    "upper case": [("traceparent", (TRACE % (0xABC << 90, 0xABC << 40, b"01")).upper())],
    "a zero byte at the end": [("traceparent", ENDS_IN_ZEROS[:54] + b"\0")],
    "two contexts": [("traceparent", TRACE % (5, 6, b"01")), ("TraceParent", b"bad")],
    "refused, and one": [("traceparent", b"0" * 55), ("traceparent", TRACE % (5, 6, b"01"))],
    "tracestate": [("traceparent", TRACE % (5, 6, b"01")), ("tracestate", b"a=1")],
    "unsampled tracestate": [("traceparent", TRACE % (5, 6, b"00")), ("tracestate", b"a=1")],
    "b3": [("b3", b"%032x-%016x-1" % (5, 6))],
    "b3 beside": [("b3", b"0"), ("traceparent", TRACE % (5, 6, b"01"))],
    "time as text": [("event-time", b"2026-11-20T23:32:37.332Z")],
    "no time": [("event-time", b"yesterday"), ("ce_time", b"%d" % MS)],
    "thirteen bytes": [("event-time", b"2026-11-20T23")],
    "small number": [("event-time", b"0000000000123")],
    "second rule": [("ce_time", b"%d" % (MS - 5))],
    "both rules": [("ce_time", b"%d" % (MS - 5)), ("event-time", b"%d" % (MS - 9))],
    "both rules, turned": [("event-time", b"%d" % (MS - 9)), ("ce_time", b"%d" % (MS - 5))],
    "twice": [("event-time", b"%d" % (MS - 9)), ("Event-Time", b"%d" % (MS - 5))],
    "nine more": [(f"more-{number}", b"x" * number) for number in range(9)],
    "long names": [("n" * 255, b"x"), ("é", b"x"), ("ab\0", b"x"), ("ab", b"x")],
}


@pytest.mark.parametrize("headers", ODD.values(), ids=ODD)
def test_what_one_record_has_is_read_as_ever(headers):
    """Among regular ones: at the beginning, in the middle and at the end."""
    records = [regular(row) for row in range(30)]
    for row in (0, 11, 29):
        records[row] = (None, None, headers)
    whole, single = columns_of([batch_of(records)])
    assert_equal(whole, single)


@pytest.mark.parametrize(
    "rules",
    [(HeaderRule("a"), PointerRule("/t"), RecordRule()), (PointerRule("/t"),), (RecordRule(),), ()],
)
def test_other_rules(rules):
    """Where a rule needs a look into each record, no batch is read as a whole."""
    whole, single = columns_of([batch_of([regular(row) for row in range(30)])], rules)
    if any(isinstance(rule, PointerRule) for rule in rules):
        assert whole is None
    else:
        assert_equal(whole, single)


CARTS, SHOP = FirstSightingRule("carts"), FirstSightingRule("shop")


def upstream():
    """What two streams have seen: every second trace of the regular ones, and every third."""
    sightings = {}
    for stream, step in ("carts", 2), ("shop", 3):
        contexts = [regular(row)[2][0][1] for row in range(0, 30, step)]
        contexts.append(TRACE % (5, 77, b"00"))
        sightings[stream] = FirstSightings()
        sightings[stream].note(contexts, MS - 1_000 * step + np.arange(len(contexts)))
    return sightings


@pytest.mark.parametrize(
    "rules",
    [
        (HeaderRule("ce_time"), CARTS, RecordRule()),
        (HeaderRule("event-time"), CARTS, RecordRule()),
        (CARTS, SHOP, RecordRule()),
        (FirstSightingRule("unknown"), SHOP),
        (HeaderRule("ce_time"), SHOP, FirstSightingRule("unknown"), CARTS),
        (RecordRule(), CARTS),
        (HeaderRule("ce_time"), FirstSightingRule("unknown"), RecordRule()),
        (HeaderRule("ce_time"), CARTS, HeaderRule("event-time"), RecordRule()),
    ],
    ids=str,
)
@pytest.mark.parametrize("headers", ODD.values(), ids=ODD)
def test_first_sightings_answer_whole_batches_too(rules, headers):
    """For records that are regular and for those that are not; each is looked for once."""
    records = [regular(row) for row in range(30)]
    for row in (0, 11, 29):
        records[row] = (None, None, headers)
    sightings = upstream()
    batch = batch_of(records)
    whole, single = columns_of([batch], rules, sightings)
    if rules[-2] == HeaderRule("event-time"):
        assert whole is None
        return
    assert_equal(whole, single)
    for each in sightings.values():
        assert each.asked % 2 == each.answered % 2 == 0
    again = upstream()
    RecordReader(rules, again).read_batches(
        "orders", 3, [raw(batch)], next_offset=17, received_ms=MS + 5, live=True
    )
    for stream, each in again.items():
        assert each.asked * 2 == sightings[stream].asked
        assert each.answered * 2 == sightings[stream].answered


def test_first_sightings_come_after_headers_and_before_the_record():
    """Whole batches say so by source, and do not look for what a header has answered."""
    records = [regular(row) for row in range(30)]
    records[4] = (None, None, [records[4][2][0], ("ce_time", b"%d" % (MS - 7))])
    sightings = upstream()
    rules = (HeaderRule("ce_time"), CARTS, RecordRule())
    whole, _ = columns_of([batch_of(records)], rules, sightings)
    assert whole.event_ms.tolist()[:6] == [
        MS - 2_000, MS + 3, MS - 1_999, MS + 9, MS - 7, MS + 15,
    ]  # fmt: skip
    sources = [EVENT_TIME_SOURCES[code].value for code in whole.event_time_source[:6]]
    assert sources == [
        "first_sighting", "record", "first_sighting", "record", "header", "record",
    ]  # fmt: skip
    assert (sightings["carts"].asked, sightings["carts"].answered) == (2 * 29, 2 * 14)


def test_a_record_without_a_timestamp_is_looked_for_all_the_same():
    """Its own time cannot answer if the sighting does not; it is unreadable then."""
    batch = batch_of([regular(row) for row in range(30)])
    sightings = upstream()
    rules = (HeaderRule("ce_time"), CARTS, RecordRule())
    poll = {"next_offset": 17, "received_ms": MS + 5, "live": True}
    reader = RecordReader(rules, sightings)
    first = raw(batch)._replace(first_ms=-6)  # of the first three records the time is not positive
    whole = reader.read_batches("orders", 3, [first], **poll)
    assert whole.event_ms.tolist()[:4] == [MS - 2_000, -1, MS - 1_999, 3]
    assert whole.unreadable_event_times == {"record": 1}
    assert (sightings["carts"].asked, sightings["carts"].answered) == (30, 15)


def test_several_batches():
    """Each has its own offsets, gaps included, and says by itself whose timestamps count."""
    stamped = batch_of([(b"k", b"v", [])] * 5, 900)
    stamped[22] |= 8
    struct.pack_into(">q", stamped, 35, MS + 77)
    gaps = batch_of([regular(row) for row in range(4)], 700, offsets=[0, 3, 70, 9_000])
    whole, single = columns_of([batch_of([regular(1)], 12), gaps, stamped])
    assert_equal(whole, single)
    assert whole.offsets.tolist() == [12, 700, 703, 770, 9_700, *range(900, 905)]
    assert whole.append_ms.tolist() == [-1] * 5 + [MS + 77] * 5
    assert whole.event_ms.tolist()[5:] == [MS + 77] * 5


@pytest.mark.parametrize(
    "record",
    [
        (b"k", b"v" * 9_000, []),
        (b"k", b"v", [("", b"x")]),
        (b"k", b"v", [("n" * 256, b"x")]),
        (b"k", b"v", [("n", b"x")] * 65),
    ],
    ids=["large", "no name", "long name", "many headers"],
)
def test_what_few_clients_write_is_left_to_the_loop(record):
    """Nothing is read of it here, also not its neighbours."""
    whole, _ = columns_of([batch_of([regular(0), record, regular(1)])])
    assert whole is None


def test_many_different_names_are_left_to_the_loop():
    """As they would take a look each."""
    named = [(b"k", b"v", [(f"name-{row}", b"x")]) for row in range(17)]
    assert columns_of([batch_of(named)])[0] is None
    assert_equal(*columns_of([batch_of(named[:16])]))


def test_if_many_are_odd_the_loop_reads_all():
    """It would have to read them in any case."""
    odd = (b"k", b"v", ODD["b3"])
    records = [regular(row) for row in range(12)]
    assert_equal(*columns_of([batch_of([*records, *[odd] * 4])]))
    assert columns_of([batch_of([*records, *[odd] * 5])])[0] is None


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_are_read_as_ever_or_not_at_all(seed):
    """Whatever a byte becomes: no error, and never other columns than those of the loop."""
    chance = random.Random(seed)  # noqa: S311 - the same damage in each run
    sound = batch_of([regular(row) for row in range(12)])
    for _ in range(100):
        batch = bytearray(sound)
        for _ in range(chance.choice((1, 1, 2, 5))):
            batch[chance.randrange(HEADER_BYTES, len(batch))] = chance.choice(
                (0, 1, 2, 127, 128, 255, chance.randrange(256))
            )
        whole, single = columns_of([batch])
        if whole is not None:
            assert single is not None
            assert_equal(whole, single)


@pytest.mark.parametrize("count", [-1, 0, 11, 13, 1 << 30])
def test_a_count_that_is_not_true(count):
    """Nothing is read."""
    batch = batch_of([regular(row) for row in range(12)])
    whole = RecordReader(DEFAULT_EVENT_TIME).read_batches(
        "orders",
        3,
        [raw(batch)._replace(record_count=count)],
        next_offset=17,
        received_ms=MS,
        live=True,
    )
    assert whole is None


def test_a_cut_batch_is_not_read():
    """Wherever it is cut."""
    batch = batch_of([regular(row) for row in range(3)])
    for end in range(HEADER_BYTES, len(batch)):
        assert columns_of([batch[:end]])[0] is None


def emptied(first_offset):
    """What the log cleaner leaves of a batch, for the sake of its producer's last number."""
    empty = raw(batch_of([regular(0)], first_offset))
    return empty._replace(record_count=0, body=b"")


@pytest.mark.parametrize("places", [(1,), (1, 1), (0,), (0, 1, 2), (0, 0)])
def test_emptied_batches_are_nothing(places):
    """Wherever they lie among the others."""
    batches = [raw(batch_of([regular(row) for row in range(12)]))]
    reader = RecordReader(DEFAULT_EVENT_TIME)
    poll = {"next_offset": 40, "received_ms": MS, "live": True}
    alone = reader.read_batches("orders", 3, batches, **poll)
    for place in places:
        batches.insert(place, emptied(30 + place))
    whole = reader.read_batches("orders", 3, batches, **poll)
    assert whole.offsets.tolist() == alone.offsets.tolist() == list(range(12))
    assert_equal(whole, alone)
    assert reader.read_batches("orders", 3, [emptied(3)], **poll) is None


@pytest.mark.parametrize("counts", [(13, -1), (11, 1), (12, 1), (0, 12)])
def test_counts_that_do_not_fit_their_batches_are_left_to_the_loop(counts):
    """Also if they add up."""
    first = raw(batch_of([regular(row) for row in range(12)]))
    batches = [first._replace(record_count=counts[0]), emptied(12)._replace(record_count=counts[1])]
    reader = RecordReader(DEFAULT_EVENT_TIME)
    poll = {"next_offset": 40, "received_ms": MS, "live": True}
    assert reader.read_batches("orders", 3, batches, **poll) is None


def test_a_record_of_negative_length_is_left_to_the_loop():
    """It is damaged, and the sign is one bit."""
    first = raw(batch_of([regular(row) for row in range(12)]))
    damaged = first._replace(body=bytes([first.body[0] ^ 1]) + first.body[1:])
    reader = RecordReader(DEFAULT_EVENT_TIME)
    poll = {"next_offset": 40, "received_ms": MS, "live": True}
    assert reader.read_batches("orders", 3, [first], **poll) is not None
    assert reader.read_batches("orders", 3, [damaged], **poll) is None
