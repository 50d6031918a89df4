"""Batches that are handed on whole, and those that are not."""

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher

from streamgauge.kafka.batch_header import FEWEST_RECORDS, raw_batches
from streamgauge.kafka.batches import BATCHES, enable_batches

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
HEADER_BYTES = 61
HALF = FEWEST_RECORDS // 2


def batches_of(*batches, offset=0, check_crcs=False):
    """What a tail gets of a fetched partition that holds these batches."""
    enable_batches()
    records = fetcher.MemoryRecords(b"".join(map(bytes, batches)))
    tp = TopicPartition("orders", 7)
    return list(
        fetcher.PartitionRecords(
            tp, records, [], offset, BATCHES, None, check_crcs, fetcher.READ_COMMITTED
        )
    )


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_each_is_found_where_it_lies(build_batch, codec):
    """Its records are the bytes of its own, decompressed."""
    values = [b"%d" % number for number in range(HALF)]
    plain = [build_batch(values, NONE, base_offset=at) for at in (50, 900)]
    packed = [build_batch(values, codec, base_offset=at) for at in (50, 900)]
    first, second = raw_batches(batches_of(*packed, offset=50))
    assert (first.base_offset, second.base_offset) == (50, 900)
    for raw, batch in zip((first, second), plain, strict=True):
        assert (raw.first_ms, raw.append_ms, raw.record_count) == (1_000, None, HALF)
        assert raw.body == batch[HEADER_BYTES:]


def test_append_time_is_that_of_the_batch(build_batch):
    """As the broker has stamped it."""
    batch = build_batch([b"v"] * FEWEST_RECORDS)
    batch[22] |= 8
    (raw,) = raw_batches(batches_of(batch))
    assert raw.append_ms == 1_000 + FEWEST_RECORDS - 1


def test_few_records_are_not_worth_it(build_batch):
    """All batches of the poll count together."""
    batches = [build_batch([b"v"] * HALF, base_offset=at) for at in (0, HALF)]
    assert raw_batches(batches_of(*batches)) is not None
    assert raw_batches(batches_of(batches[0], build_batch([b"v"], base_offset=HALF))) is None
    assert raw_batches([]) is None


def test_records_before_the_position_are_not_handed_on(build_batch):
    """A position in the midst of a batch is for the loop, which can leave records out."""
    assert raw_batches(batches_of(build_batch([b"v"] * FEWEST_RECORDS), offset=1)) is None


def test_damage_is_left_to_who_can_tell_of_it(build_batch):
    """A checksum that does not match, a codec that nobody has, and bytes that do not unpack."""
    batch = build_batch([b"v"] * FEWEST_RECORDS, LZ4)
    for place, byte in ((-1, batch[-1] ^ 1), (22, 7), (HEADER_BYTES, 0)):
        damaged = bytearray(batch)
        damaged[place] = byte
        assert raw_batches(batches_of(damaged, check_crcs=place == -1)) is None


def test_what_unpacks_to_too_much_is_left_to_the_loop(build_batch, monkeypatch):
    """It would all lie in memory at once."""
    batches = [build_batch([b"v" * 100] * HALF, ZSTD, base_offset=at) for at in (0, HALF)]
    monkeypatch.setattr("streamgauge.kafka.batch_header.MOST_BYTES", 2 * 120 * HALF)
    assert raw_batches(batches_of(*batches)) is not None
    monkeypatch.setattr("streamgauge.kafka.batch_header.MOST_BYTES", 200 * HALF)
    assert raw_batches(batches_of(*batches)) is None
