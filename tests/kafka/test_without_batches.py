"""With an aiokafka whose seam has moved, records are read one by one and just as exactly."""

import pytest
from aiokafka.consumer import fetcher

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import HeaderRule
from streamgauge.kafka.batches import client_problems, enable_batches
from streamgauge.kafka.errors import TailStalledError
from streamgauge.kafka.first_records import FirstRecordFound, NoRecord
from streamgauge.model import UNKNOWN


@pytest.fixture
def other_aiokafka():
    """An aiokafka whose `PartitionRecords` is another one."""
    enable_batches()
    known = fetcher.PartitionRecords

    def moved(tp, records, aborted, offset, key_deserializer, *rest):
        assert key_deserializer is not None
        return known(tp, records, aborted, offset, None, *rest)

    fetcher.PartitionRecords = moved
    yield
    fetcher.PartitionRecords = known


@pytest.mark.usefixtures("other_aiokafka")
async def test_records_come_one_by_one(
    cluster, create_topic, topic_name, produce, start_tail, poll_until, offsets_in
):
    """All of them, once."""
    assert not enable_batches()
    topic = topic_name()
    create_topic(topic, 2)
    for partition in range(2):
        produce(topic, [b"v"] * 1_200, partition=partition, **{"compression.type": "lz4"})
    tail = await start_tail(cluster, {0: 0, 1: 7}, topic=topic)
    brought = await poll_until(tail, lambda _: tail.positions == {0: 1_200, 1: 1_200})
    assert offsets_in(brought) == {0: list(range(1_200)), 1: list(range(7, 1_200))}


@pytest.mark.usefixtures("other_aiokafka")
def test_the_missing_seam_is_told():
    """It costs speed, so somebody should know."""
    assert any("no seam for reading batches" in problem for problem in client_problems())


@pytest.mark.real_broker
@pytest.mark.usefixtures("other_aiokafka")
async def test_a_record_that_cannot_be_read_costs_no_other_partition_anything(
    cluster,
    create_topic,
    topic_name,
    produce,
    produce_bytes,
    build_batch,
    start_tail,
    poll_until,
    offsets_in,
):
    """Aiokafka drops what it had drained of others when one raises; it is fetched again."""
    topic = topic_name()
    create_topic(topic, 4)
    for partition in range(3):
        produce(topic, [b"v"] * 100, partition=partition)
    await produce_bytes(topic, 3, build_batch([b"a", (b"b", b"\xff")]))
    tail = await start_tail(cluster, dict.fromkeys(range(4), 0), topic=topic)
    brought = []
    for _ in range(3):
        with pytest.raises(TailStalledError, match=f"reading topic '{topic}' failed: .*utf-8"):
            await poll_until(tail, lambda _: False, into=brought)
    tail.remove_partitions([3])
    read = dict.fromkeys(range(3), 100)
    await poll_until(tail, lambda _: tail.positions == read, into=brought)
    found = offsets_in(brought)
    assert [found[partition] for partition in range(3)] == [list(range(100))] * 3


@pytest.mark.usefixtures("other_aiokafka")
async def test_first_records_are_found_just_as_well(
    cluster, create_topic, topic_name, produce, produce_bytes, build_batch
):
    """Only a record that cannot be read leaves its partition unknown."""
    topic = topic_name()
    create_topic(topic, 3)
    for partition in range(2):
        produce(topic, [b"v"] * 100, partition=partition, **{"compression.type": "lz4"})
    await produce_bytes(topic, 2, build_batch([(b"a", b"\xff"), b"b"]))
    reader = RecordReader([HeaderRule("event-time")])
    found = await cluster.first_records(topic, {0: 42, 1: 100, 2: 0}, "read_committed", reader)
    assert found == {0: FirstRecordFound(42, UNKNOWN), 1: NoRecord(100)}
