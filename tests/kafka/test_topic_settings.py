"""How long records stay, as the broker's own settings say it."""

import asyncio

import pytest
from aiokafka.protocol.admin import DescribeConfigsResponse_v0, DescribeConfigsResponse_v2
from aiokafka.protocol.metadata import MetadataResponse_v5
from confluent_kafka.admin import AdminClient, ConfigResource

from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.topic_settings import UNKNOWN_SETTINGS, TopicSettings, read_settings


@pytest.fixture
def described(broker):
    """Settings of a topic as librdkafka's administration client describes them."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})

    def describe(topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entries = admin.describe_configs([resource])[resource].result(30)
        return {name: entry.value for name, entry in entries.items()}

    return describe


@pytest.mark.real_broker
@pytest.mark.parametrize(
    ("config", "settings"),
    [
        (
            {"cleanup.policy": "compact"},
            TopicSettings(is_compacted=True, is_retention_unlimited=True, retention_ms=None),
        ),
        (
            {"cleanup.policy": "compact,delete", "retention.ms": "86400000"},
            TopicSettings(is_compacted=True, is_retention_unlimited=False, retention_ms=86_400_000),
        ),
        (
            {"retention.ms": "60000"},
            TopicSettings(is_compacted=False, is_retention_unlimited=False, retention_ms=60_000),
        ),
        (
            {"retention.ms": "-1"},
            TopicSettings(is_compacted=False, is_retention_unlimited=True, retention_ms=None),
        ),
    ],
)
async def test_settings_of_a_topic(cluster, create_topic, topic_name, config, settings):
    """Without the policy `delete` nothing goes for its age, whatever the retention says."""
    topic = topic_name()
    create_topic(topic, config=config)
    assert await cluster.topic_settings(topic) == settings


@pytest.mark.real_broker
async def test_defaults_are_those_of_the_broker(cluster, create_topic, topic_name, described):
    """Where the topic sets nothing itself."""
    topic = topic_name()
    create_topic(topic)
    truth = await asyncio.to_thread(described, topic)
    assert truth["cleanup.policy"] == "delete"
    retention_ms = int(truth["retention.ms"])
    assert await cluster.topic_settings(topic) == TopicSettings(
        is_compacted=False, is_retention_unlimited=False, retention_ms=retention_ms
    )


async def test_settings_of_a_topic_that_does_not_exist_are_unknown(cluster, topic_name):
    """Nor is it created by asking."""
    for _ in range(2):
        assert await cluster.topic_settings(topic_name("absent")) == UNKNOWN_SETTINGS


async def test_settings_are_unknown_where_a_broker_does_not_know_the_question(scripted_broker):
    """The mock broker is one."""

    def metadata(*_):
        host, _, port = broker.address.partition(":")
        return MetadataResponse_v5(0, [(1, host, int(port), None)], "c", 1, [])

    broker = await scripted_broker({3: (5, metadata)})
    cluster = Cluster(Connection(bootstrap_servers=(broker.address,)))
    try:
        assert await cluster.topic_settings("orders") == UNKNOWN_SETTINGS
    finally:
        await cluster.close()


@pytest.mark.parametrize(
    ("policy", "retention", "settings"),
    [
        (
            "delete",
            "1000",
            TopicSettings(is_compacted=False, is_retention_unlimited=False, retention_ms=1_000),
        ),
        (
            "delete",
            None,
            TopicSettings(is_compacted=False, is_retention_unlimited=None, retention_ms=None),
        ),
        (
            "delete",
            "a week",
            TopicSettings(is_compacted=False, is_retention_unlimited=None, retention_ms=None),
        ),
        (
            "delete",
            "0",
            TopicSettings(is_compacted=False, is_retention_unlimited=False, retention_ms=0),
        ),
        (
            " compact , delete ",
            "-1",
            TopicSettings(is_compacted=True, is_retention_unlimited=True, retention_ms=None),
        ),
        (
            "",
            "1000",
            TopicSettings(is_compacted=False, is_retention_unlimited=True, retention_ms=None),
        ),
        (None, "1000", UNKNOWN_SETTINGS),
    ],
)
def test_whatever_a_broker_says_is_read(policy, retention, settings):
    """What it does not say stays unknown."""
    entries = [
        ("cleanup.policy", policy, False, 5, False, []),
        ("retention.ms", retention, False, 5, False, []),
    ]
    response = DescribeConfigsResponse_v2(0, [(0, None, 2, "orders", entries)])
    assert read_settings(response, "orders") == settings
    oldest = DescribeConfigsResponse_v0(0, [(0, None, 2, "orders", [e[:5] for e in entries])])
    assert read_settings(oldest, "orders") == settings


@pytest.mark.parametrize("code", [3, 29, 30, 42, -1])
def test_an_error_tells_nothing(code):
    """Whatever its reason."""
    entries = [("cleanup.policy", "delete", False, 5, False, [])]
    response = DescribeConfigsResponse_v2(0, [(code, "no", 2, "orders", entries)])
    assert read_settings(response, "orders") == UNKNOWN_SETTINGS
