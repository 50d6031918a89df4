"""Every way to log in works against the secured broker, and nothing works without it."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError
from aiokafka.helpers import create_ssl_context

from streamgauge_demo.parts.broker_secure import (
    MUTUAL_TLS,
    PLAIN_USERS,
    SASL,
    SASL_TLS,
    TLS,
    unsecured_token,
)

pytestmark = pytest.mark.real_broker


class Tokens(AbstractTokenProvider):
    """Gives a token for one user."""

    def __init__(self, user):
        self.user = user

    async def token(self):
        """Give a new token."""
        return unsecured_token(self.user)


@pytest.fixture
def topic(secure_broker, topic_name):
    """A topic that nobody may see yet."""
    name = topic_name()
    secure_broker.create_topic(name)
    return name


@pytest.fixture
def user(topic_name):
    """A user that nobody else is."""
    return topic_name("user")


@pytest.fixture
def tls(secure_broker, tmp_path):
    """A context that trusts the broker."""
    return create_ssl_context(cafile=str(secure_broker.write_ca_certificate(tmp_path)))


async def end_offset(topic, **connection):
    """Log in and ask for an end offset, which takes the right to describe the topic."""
    consumer = AIOKafkaConsumer(request_timeout_ms=2_000, **connection)
    try:
        await consumer.start()
        partition = TopicPartition(topic, 0)
        return (await consumer.end_offsets([partition]))[partition]
    finally:
        await consumer.stop()


@pytest.fixture(params=[SASL, SASL_TLS])
def sasl(request, secure_broker, tls):
    """A listener with SASL, as a client's settings."""
    return {
        "bootstrap_servers": secure_broker.addresses[request.param],
        "security_protocol": "SASL_PLAINTEXT" if request.param == SASL else "SASL_SSL",
        "ssl_context": None if request.param == SASL else tls,
    }


@pytest.mark.parametrize("name", PLAIN_USERS)
async def test_plain(secure_broker, topic, sasl, name):
    """A fixed user logs in, also one with the punctuation of a connection string."""
    secure_broker.allow(name, "READ", "TOPIC", topic)
    login = {"sasl_mechanism": "PLAIN", "sasl_plain_username": name}
    password = PLAIN_USERS[name]
    assert await end_offset(topic, sasl_plain_password=password, **login, **sasl) == 0
    with pytest.raises(KafkaConnectionError):
        await end_offset(topic, sasl_plain_password=password + "x", **login, **sasl)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_scram(secure_broker, topic, user, sasl, mechanism):
    """A user that was just created logs in at once, and only with its password."""
    right = f"password of {user}"
    secure_broker.create_scram_user(user, right, mechanism)
    secure_broker.allow(user, "READ", "TOPIC", topic)
    login = {"sasl_mechanism": mechanism, "sasl_plain_username": user}
    assert await end_offset(topic, sasl_plain_password=right, **login, **sasl) == 0
    with pytest.raises(KafkaConnectionError):
        await end_offset(topic, sasl_plain_password=right + "x", **login, **sasl)


async def test_oauthbearer(secure_broker, topic, user, sasl):
    """A token names the user."""
    secure_broker.allow(user, "READ", "TOPIC", topic)
    login = {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": Tokens(user)}
    assert await end_offset(topic, **login, **sasl) == 0


async def test_client_certificate(secure_broker, topic, user, tls, tmp_path):
    """The common name of a client's certificate is the user; without one nobody is let in."""
    secure_broker.allow(user, "READ", "TOPIC", topic)
    ca = secure_broker.write_ca_certificate(tmp_path)
    certificate, key = secure_broker.write_client_certificate(tmp_path, user)
    mutual = {
        "bootstrap_servers": secure_broker.addresses[MUTUAL_TLS],
        "security_protocol": "SSL",
    }
    known = create_ssl_context(cafile=str(ca), certfile=str(certificate), keyfile=str(key))
    assert await end_offset(topic, ssl_context=known, **mutual) == 0
    with pytest.raises(KafkaConnectionError):
        await end_offset(topic, ssl_context=tls, **mutual)


async def test_tls_without_identity(secure_broker, topic, tls):
    """The TLS listener wants its certificate trusted and no more."""
    settings = {"bootstrap_servers": secure_broker.addresses[TLS], "security_protocol": "SSL"}
    assert await end_offset(topic, ssl_context=tls, **settings) == 0
    with pytest.raises(KafkaConnectionError):
        await end_offset(topic, ssl_context=create_ssl_context(), **settings)


async def test_rights_are_given_and_taken(secure_broker, topic, user):
    """Nothing is allowed before allow() and after revoke_all()."""
    sasl = {
        "bootstrap_servers": secure_broker.addresses[SASL],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_provider": Tokens(user),
    }
    with pytest.raises(KafkaTimeoutError):
        await end_offset(topic, **sasl)
    secure_broker.allow(user, "DESCRIBE", "TOPIC", topic)
    assert await end_offset(topic, **sasl) == 0
    secure_broker.revoke_all(user)
    with pytest.raises(KafkaTimeoutError):
        await end_offset(topic, **sasl)


async def test_no_topic_is_created_by_asking(secure_broker, topic_name):
    """A missing topic stays missing."""
    missing = topic_name()
    with pytest.raises(KafkaTimeoutError):
        await end_offset(missing, bootstrap_servers=secure_broker.bootstrap_servers)
    async with AIOKafkaConsumer(bootstrap_servers=secure_broker.bootstrap_servers) as consumer:
        assert missing not in await consumer.topics()
