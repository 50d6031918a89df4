"""Requests in versions that aiokafka does not know, byte by byte."""

import io

import pytest
from aiokafka.protocol.types import CompactArray, Int16, Int32, Int64, Schema

from streamgauge.kafka.protocol.fields import STRING, TAGS
from streamgauge.kafka.protocol.offset_fetch import OffsetFetchResponse_v8

BY_FIELDS = CompactArray(
    Schema(
        ("partition_index", Int32),
        ("committed_offset", Int64),
        ("committed_leader_epoch", Int32),
        ("metadata", STRING),
        ("error_code", Int16),
        TAGS,
    )
)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(0, 5, 7, "", 0, {})],
        [(0, -1, -1, "", 0, {}), (2**31 - 1, 2**63 - 1, 3, "", 29, {})],
        [(0, 5, 7, "t", 0, {}), (1, 6, 7, "", 88, {}), (2, 7, 7, "x" * 300, -1, {})],
        [(3, 8, 7, "\u00e9", 0, {}), (4, 9, 7, "m\0", 0, {})],
    ],
)
def test_committed_offsets_are_read_as_the_protocol_describes_them(rows):
    """Whether a row has a text or has the fixed size of one without."""
    topics = [("orders", rows, {}), ("payments", [], {})]
    response = OffsetFetchResponse_v8(0, [("g", topics, 0, {}), ("h", [], 30, {})], {})
    read = OffsetFetchResponse_v8.decode(io.BytesIO(response.encode()))
    assert read.groups == [("g", topics, 0, {}), ("h", [], 30, {})]
    assert BY_FIELDS.encode(rows) in response.encode()


def test_null_text_and_tagged_fields_of_a_row_are_read():
    """Brokers send the one, and may send the others at any time."""
    null = BY_FIELDS.encode([(0, 5, 7, None, 0, {})])
    tagged = null[:-1] + bytes([1, 1, 2, 8, 9])  # one field: tag 1, two bytes
    row_type = OffsetFetchResponse_v8.SCHEMA.fields[1].array_of.fields[1].array_of.fields[1]
    assert row_type.decode(io.BytesIO(null)) == [(0, 5, 7, "", 0, {})]
    assert row_type.decode(io.BytesIO(tagged)) == [(0, 5, 7, None, 0, {1: b"\x08\x09"})]
