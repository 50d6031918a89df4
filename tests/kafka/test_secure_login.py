"""Every way to log in works for asking and for tailing, and missing rights are told."""

import asyncio
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.answers import Absent, Forbidden, Present, Retry
from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.tokens import TokenFile
from streamgauge.kafka.topic_settings import UNKNOWN_SETTINGS
from streamgauge_demo.parts.broker_secure import PLAIN_USERS, unsecured_token


class Login:
    """A user of one test alone, and how it logs in."""

    def __init__(self, broker, folder):
        self.broker = broker
        self.folder = folder
        self.user = f"user-{uuid4().hex[:12]}"

    def connect(self, listener, protocol, **settings):
        """A connection to one listener."""
        if protocol.endswith("SSL"):
            settings["ssl_ca_file"] = self.broker.write_ca_certificate(self.folder)
        return Connection(
            bootstrap_servers=(self.broker.addresses[listener],),
            security_protocol=protocol,
            request_timeout_ms=10_000,
            **settings,
        )

    def by_scram(self, mechanism, listener, protocol):
        """By a password of SCRAM."""
        secret = uuid4().hex
        self.broker.create_scram_user(self.user, secret, mechanism)
        return self.connect(
            listener, protocol, sasl_mechanism=mechanism, username=self.user, password=secret
        )

    def by_plain(self, user, listener, protocol):
        """By one of the fixed passwords."""
        self.user = user
        return self.connect(
            listener,
            protocol,
            sasl_mechanism="PLAIN",
            username=user,
            password=PLAIN_USERS[user],
        )

    def by_token(self, listener, protocol):
        """By a token in a file."""
        path = self.folder / "token"
        path.write_text(unsecured_token(self.user))
        return self.connect(listener, protocol, sasl_mechanism="OAUTHBEARER", token=TokenFile(path))

    def by_certificate(self):
        """By a client certificate."""
        certificate, key = self.broker.write_client_certificate(self.folder, self.user)
        return self.connect("MUTUAL_TLS", "SSL", ssl_certificate_file=certificate, ssl_key_file=key)


@pytest.fixture
def login(secure_broker, tmp_path):
    """Ways to log in as a new user."""
    return Login(secure_broker, tmp_path)


@pytest.fixture
def filled_topic(secure_broker, topic_name):
    """A topic with one partition and three records."""
    topic = topic_name("secured")
    secure_broker.create_topic(topic)
    producer = Producer({"bootstrap.servers": secure_broker.bootstrap_servers})
    for number in range(3):
        producer.produce(topic, b"v%d" % number)
    assert producer.flush(30) == 0
    return topic


@pytest.fixture
async def connect():
    """Starts clusters; they are closed after the test."""
    clusters = []

    async def start(connection):
        clusters.append(Cluster(connection))
        await clusters[-1].start()
        return clusters[-1]

    yield start
    for cluster in clusters:
        await cluster.close()


@pytest.mark.parametrize(
    "way",
    [
        lambda login: login.by_plain("plain", "SASL", "SASL_PLAINTEXT"),
        lambda login: login.by_plain("$ConnectionString", "SASL_TLS", "SASL_SSL"),
        lambda login: login.by_scram("SCRAM-SHA-256", "SASL", "SASL_PLAINTEXT"),
        lambda login: login.by_scram("SCRAM-SHA-512", "SASL_TLS", "SASL_SSL"),
        lambda login: login.by_token("SASL", "SASL_PLAINTEXT"),
        lambda login: login.by_token("SASL_TLS", "SASL_SSL"),
        lambda login: login.by_certificate(),
        lambda login: login.connect("TLS", "SSL"),
    ],
    ids=[
        "plain",
        "event-hubs",
        "scram-256",
        "scram-512",
        "token",
        "token-tls",
        "mutual-tls",
        "tls",
    ],
)
async def test_every_way_to_log_in(
    way, login, filled_topic, connect, start_tail, poll_until, offsets_in
):
    """READ on the topic and nothing else lets the gauge ask and tail."""
    connection = way(login)
    login.broker.allow(login.user, "READ", "TOPIC", filled_topic)
    cluster = await connect(connection)
    assert (await cluster.topic(filled_topic)).partitions == (0,)
    offsets = await cluster.log_offsets(filled_topic, [0], "read_committed")
    assert (offsets.start, offsets.end) == ({0: 0}, {0: 3})
    tail = await start_tail(cluster, {0: 0}, topic=filled_topic)
    await poll_until(tail, lambda polls: offsets_in(polls) == {0: [0, 1, 2]})


async def test_a_refused_token_ends_the_start(login, connect):
    """For aiokafka alone it would be a start without brokers."""
    connection = login.by_token("SASL", "SASL_PLAINTEXT")
    connection.token.path.write_text(unsecured_token(login.user, lifetime_seconds=-3_600))
    with pytest.raises(BrokersUnavailableError, match="it refuses the token"):
        await connect(connection)


async def test_a_refused_token_ends_the_start_of_a_tail(login, filled_topic, connect, start_tail):
    """The cluster was let in while the token was good."""
    connection = login.by_token("SASL", "SASL_PLAINTEXT")
    cluster = await connect(connection)
    connection.token.path.write_text("no token")
    with pytest.raises(BrokersUnavailableError, match="holds no token"):
        await start_tail(cluster, {0: 0}, topic=filled_topic)
    connection.token.path.write_text(unsecured_token(login.user, lifetime_seconds=-3_600))
    with pytest.raises(BrokersUnavailableError, match="it refuses the token"):
        await start_tail(cluster, {0: 0}, topic=filled_topic)


async def test_rights_that_are_missing_are_told(login, filled_topic, connect, eventually):
    """Topic and group each by its own; with the rights there are answers."""
    cluster = await connect(login.by_token("SASL", "SASL_PLAINTEXT"))
    group = f"group-{login.user}"
    of_topic = Forbidden(f"DESCRIBE on topic {filled_topic}")
    of_group = Forbidden(f"DESCRIBE on group {group}")
    assert await cluster.topic(filled_topic) == of_topic
    assert (await cluster.log_offsets(filled_topic, [0], "read_committed")).end == {}
    assert await cluster.committed(group, filled_topic, [0]) == of_group
    login.broker.allow(login.user, "DESCRIBE", "GROUP", group)

    async def committed():
        """What is committed, once there is a coordinator to say it."""
        return await eventually(
            lambda: cluster.committed(group, filled_topic, [0]),
            lambda answer: not isinstance(answer, Retry),
        )

    assert await committed() == of_topic
    login.broker.allow(login.user, "DESCRIBE", "TOPIC", filled_topic)
    assert isinstance(await cluster.topic(filled_topic), Present)
    assert (await committed()).offsets == {0: None}
    login.broker.revoke_all(login.user)
    assert await cluster.topic(filled_topic) == of_topic
    assert await committed() == of_group


async def test_a_right_that_is_missing_for_one_group_hides_no_other(
    login, filled_topic, connect, eventually
):
    """They are asked for in one request, once their coordinators are known."""
    cluster = await connect(login.by_token("SASL", "SASL_PLAINTEXT"))
    seen, hidden = f"seen-{login.user}", f"hidden-{login.user}"
    login.broker.allow(login.user, "DESCRIBE", "TOPIC", filled_topic)
    for group in (seen, hidden):
        login.broker.allow(login.user, "DESCRIBE", "GROUP", group)

    async def committed():
        """What is committed by each."""
        questions = (cluster.committed(group, filled_topic, [0]) for group in (seen, hidden))
        return [getattr(each, "offsets", each) for each in await asyncio.gather(*questions)]

    await eventually(committed, lambda answers: answers == [{0: None}, {0: None}])
    login.broker.revoke_all(login.user)
    login.broker.allow(login.user, "DESCRIBE", "TOPIC", filled_topic)
    login.broker.allow(login.user, "DESCRIBE", "GROUP", seen)
    assert await committed() == [{0: None}, Forbidden(f"DESCRIBE on group {hidden}")]
    assert await committed() == [{0: None}, Forbidden(f"DESCRIBE on group {hidden}")]


async def test_an_absent_topic_is_forbidden_until_it_may_be_described(login, connect, topic_name):
    """Whether it exists is not told to everybody."""
    cluster = await connect(login.by_token("SASL", "SASL_PLAINTEXT"))
    absent = topic_name("absent")
    assert isinstance(await cluster.topic(absent), Forbidden)
    login.broker.allow(login.user, "DESCRIBE", "TOPIC", absent)
    assert await cluster.topic(absent) == Absent()


async def test_a_tail_that_may_not_read_says_so_until_it_may(
    login, filled_topic, connect, start_tail, poll_until, offsets_in
):
    """It needs no new start once the right is there; no record is missed."""
    cluster = await connect(login.by_token("SASL", "SASL_PLAINTEXT"))
    login.broker.allow(login.user, "DESCRIBE", "TOPIC", filled_topic)
    tail = await start_tail(cluster, {0: 0}, topic=filled_topic)
    refused = Forbidden(f"READ on topic {filled_topic}")
    await poll_until(tail, lambda polls: bool(polls) and refused in polls[-1].notices)
    login.broker.allow(login.user, "READ", "TOPIC", filled_topic)
    await poll_until(tail, lambda polls: offsets_in(polls) == {0: [0, 1, 2]})


async def test_settings_of_a_topic_are_unknown_until_they_may_be_described(
    login, filled_topic, connect
):
    """A right of its own: those who may read a topic need not have it."""
    cluster = await connect(login.by_token("SASL", "SASL_PLAINTEXT"))
    login.broker.allow(login.user, "READ", "TOPIC", filled_topic)
    assert await cluster.topic_settings(filled_topic) == UNKNOWN_SETTINGS
    login.broker.allow(login.user, "DESCRIBE_CONFIGS", "TOPIC", filled_topic)
    settings = await cluster.topic_settings(filled_topic)
    assert (settings.is_compacted, settings.is_retention_unlimited) == (False, False)


async def test_first_records_are_unknown_until_they_may_be_read(login, filled_topic, connect):
    """To describe a topic is not to read it."""
    cluster = await connect(login.by_token("SASL", "SASL_PLAINTEXT"))
    login.broker.allow(login.user, "DESCRIBE", "TOPIC", filled_topic)
    question = (filled_topic, {0: 1}, "read_committed", RecordReader([RecordRule()]))
    assert await cluster.first_records(*question) == {}
    login.broker.allow(login.user, "READ", "TOPIC", filled_topic)
    assert (await cluster.first_records(*question))[0].offset == 1
