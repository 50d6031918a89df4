"""Records that the fast parser gives up on, and what cannot be read at all."""

import struct

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.util import calc_crc32c

from streamgauge.kafka.batches import BATCHES, enable_batches
from streamgauge.kafka.salvage import Damage, Undecodable, readable

NONE, GZIP, LZ4, ZSTD = 0, 1, 3, 4
GROESSE = b"gr\xf6\xdfe"
"""A header name in Latin-1."""


def seal(batch):
    """Make the checksum right again after a change."""
    batch[17:21] = struct.pack(">I", calc_crc32c(bytes(batch[21:])))
    return batch


def read(response, offset=0, *, check_crcs=True):
    """Read a fetched partition as a tail does: values, offsets and what cannot be read."""
    enable_batches()
    records = fetcher.MemoryRecords(bytes(response))
    tp = TopicPartition("orders", 7)
    unpacked = fetcher.PartitionRecords(
        tp, records, [], offset, BATCHES, None, check_crcs, fetcher.READ_COMMITTED
    )
    undecodable = []
    got = [record for batch in unpacked for record in readable(batch, undecodable)]
    return got, undecodable, unpacked.next_fetch_offset


@pytest.mark.parametrize("codec", [NONE, GZIP, LZ4, ZSTD])
def test_a_header_name_that_is_not_utf8_costs_no_record(build_batch, codec):
    """It is read as Java clients read it; the records around it keep all they have."""
    batch = build_batch([b"a", (b"b", GROESSE), (b"c", "ok")], codec, base_offset=50)
    records, undecodable, position = read(batch, offset=50)
    assert [(r.offset, r.timestamp, r.timestamp_type, r.key, r.value) for r in records] == [
        (50, 1_000, 0, b"k", b"a"),
        (51, 1_001, 0, b"k", b"b"),
        (52, 1_002, 0, b"k", b"c"),
    ]
    assert records[1].headers == [("gr\ufffd\ufffde", b"h")]
    assert records[2].headers == [("ok", b"h")]
    assert (undecodable, position) == ([], 53)


def test_salvage_keeps_to_the_position(build_batch):
    """Records before it were asked for by nobody, also behind the bad one."""
    batch = build_batch([(b"a", GROESSE), b"b", b"c"])
    records, undecodable, _ = read(batch, offset=2)
    assert [record.offset for record in records] == [2]
    assert undecodable == []


def test_log_append_time_survives_salvage(build_batch):
    """All records of such a batch have its greatest timestamp."""
    batch = build_batch([b"a", (b"b", GROESSE)])
    batch[22] |= 0x08
    records, _, _ = read(seal(batch))
    assert [(r.timestamp, r.timestamp_type) for r in records] == [(1_001, 1), (1_001, 1)]


def test_a_record_that_contradicts_itself_is_counted_and_passed(build_batch):
    """Its length says where the next one begins."""
    batch = build_batch([b"aaaa", b"bbbb", b"cccc"])
    at = bytes(batch).index(b"bbbb") - 1
    batch[at] = 2 * 60  # a value of 60 bytes in a record of 14
    records, undecodable, position = read(seal(batch))
    assert [record.value for record in records] == [b"aaaa", b"cccc"]
    assert undecodable == [Undecodable(7, Damage.CORRUPT, 1, 1)]
    assert position == 3


def test_neighbours_that_cannot_be_read_are_told_as_one(build_batch):
    """A batch of nothing but hostile records is one line, not thousands."""
    batch = build_batch([b"aaaa"] * 5)
    raw = bytes(batch)
    at = -1
    for number in range(5):
        at = raw.index(b"aaaa", at + 1)
        if number != 3:
            batch[at - 1] = 2 * 60
    records, undecodable, _ = read(seal(batch))
    assert [record.offset for record in records] == [3]
    assert undecodable == [
        Undecodable(7, Damage.CORRUPT, 0, 3),
        Undecodable(7, Damage.CORRUPT, 4, 1),
    ]


def test_records_whose_boundaries_are_lost_are_counted(build_batch):
    """Nothing behind a broken length can be found again."""
    batch = build_batch([b"aaaa", b"bbbb", b"cccc"])
    at = bytes(batch).index(b"bbbb") - 7
    assert batch[at] == batch[61]
    batch[at] = 0x7F  # a negative length
    records, undecodable, position = read(seal(batch))
    assert [record.value for record in records] == [b"aaaa"]
    assert undecodable == [Undecodable(7, Damage.CORRUPT, 1, 2)]
    assert position == 3


def test_a_body_that_cannot_be_decompressed_is_counted_whole(build_batch):
    """The number of records stands before the body; the next batch is read."""
    broken = build_batch([b"a", b"b", b"c"], GZIP)
    broken[61:] = bytes(len(broken) - 61)
    records, undecodable, position = read(seal(broken) + build_batch([b"d"], base_offset=3))
    assert [record.value for record in records] == [b"d"]
    assert undecodable == [Undecodable(7, Damage.CORRUPT, 0, 3)]
    assert position == 4


def test_an_unknown_codec_is_told_as_such(build_batch):
    """Codec 7 does not exist yet."""
    batch = build_batch([b"a", b"b"])
    batch[22] |= 0x07
    _, undecodable, position = read(seal(batch))
    assert undecodable == [Undecodable(7, Damage.CODEC, 0, 2)]
    assert position == 2


def test_a_checksum_is_checked_where_it_is_asked_for(build_batch):
    """A changed byte is told, and is no reason to stop or to lose the batch behind it."""
    changed = build_batch([b"aaaa", b"bbbb"])
    changed[bytes(changed).index(b"bbbb")] ^= 0x01
    response = changed + build_batch([b"c"], base_offset=2)
    records, undecodable, position = read(response, offset=1)
    assert [record.value for record in records] == [b"c"]
    assert undecodable == [Undecodable(7, Damage.CHECKSUM, 1, 1)]
    assert position == 3
    records, undecodable, _ = read(response, check_crcs=False)
    assert [record.value for record in records] == [b"aaaa", b"cbbb", b"c"]
    assert undecodable == []


@pytest.mark.real_broker
async def test_a_broker_takes_such_records_and_a_tail_reads_them(
    cluster,
    create_topic,
    topic_name,
    produce_bytes,
    build_batch,
    start_tail,
    poll_until,
    offsets_in,
):
    """Sent as bytes, since no Python producer writes such a name."""
    topic = topic_name("latin1")
    create_topic(topic)
    await produce_bytes(topic, 0, build_batch([b"a", (b"b", GROESSE), b"c"], ZSTD))
    tail = await start_tail(cluster, {0: 0}, topic=topic)
    brought = await poll_until(tail, lambda polls: offsets_in(polls).get(0) == [0, 1, 2])
    assert [notice for polled in brought for notice in polled.notices] == []
