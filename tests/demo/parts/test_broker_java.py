"""The Java broker may be killed and come back as it was."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streamgauge_demo.parts.broker_contract import BrokerUnavailableError, answers
from streamgauge_demo.parts.broker_java import launch_java_broker

pytestmark = [pytest.mark.real_broker, pytest.mark.usefixtures("java")]


async def test_restart_after_a_kill_keeps_address_records_and_commits(java_broker):
    """What was acknowledged before SIGKILL is there after the restart, at the same address."""
    address, partition = java_broker.bootstrap_servers, TopicPartition("outage", 0)
    java_broker.create_topic("outage")
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        for _ in range(5):
            await producer.send_and_wait("outage", b"x")
    async with AIOKafkaConsumer(bootstrap_servers=address, group_id="g") as consumer:
        consumer.assign([partition])
        await consumer.commit({partition: OffsetAndMetadata(3, "")})
    java_broker.kill()
    assert not answers(address, 0.5)
    await asyncio.to_thread(java_broker.restart)
    assert java_broker.bootstrap_servers == address
    async with AIOKafkaConsumer(bootstrap_servers=address, group_id="g") as consumer:
        assert await consumer.end_offsets([partition]) == {partition: 5}
        assert await consumer.committed(partition) == 3


def test_stop_removes_the_folder(tmp_path, monkeypatch):
    """Nothing of a stopped broker is left in the temporary folder, and nothing answers."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with launch_java_broker() as broker:
        assert [path.name.startswith("streamgauge-kafka-") for path in tmp_path.iterdir()] == [True]
    assert list(tmp_path.iterdir()) == []
    assert not answers(broker.bootstrap_servers, 0.5)


def test_failed_start_tells_the_log_and_leaves_nothing(tmp_path, monkeypatch):
    """A property that Kafka refuses is told with Kafka's own words."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BrokerUnavailableError, match=r"num\.partitions"):
        launch_java_broker(properties={"num.partitions": "none"})
    assert list(Path(tmp_path).iterdir()) == []
