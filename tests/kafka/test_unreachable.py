"""Why brokers cannot be reached is told in plain words and without secrets."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import trustme
from aiokafka.errors import UnsupportedSaslMechanismError
from aiokafka.protocol.admin import SaslAuthenticateResponse_v0, SaslHandShakeResponse_v1
from aiokafka.protocol.metadata import MetadataResponse_v4

from streamgauge.kafka.cluster import Cluster
from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.reasons import explain
from streamgauge.kafka.tokens import TokenFile
from streamgauge.kafka.unreachable import describe_failure

WRONG = uuid4().hex


async def why(address, **settings):
    """The single reason why a broker cannot be reached."""
    settings.setdefault("request_timeout_ms", 5_000)
    connection = Connection(bootstrap_servers=(address,), **settings)
    (unreachable,) = await describe_failure(connection)
    assert WRONG not in str(unreachable)
    return unreachable


def password_login(mechanism="PLAIN", username="plain", password=WRONG, protocol="SASL_PLAINTEXT"):
    """Settings of a login by password."""
    return {
        "security_protocol": protocol,
        "sasl_mechanism": mechanism,
        "username": username,
        "password": password,
    }


async def test_nothing_listens(free_address):
    """The address is named."""
    unreachable = await why(free_address)
    assert unreachable.what == f"broker {free_address}"
    assert unreachable.why == "nothing listens there"


async def test_a_name_that_does_not_resolve():
    """RFC 2606 keeps .invalid free of names."""
    unreachable = await why("kafka.invalid:9092")
    assert unreachable.why == "its name cannot be resolved"


async def test_addresses_that_are_none():
    """A port that is no number."""
    unreachable = await why("kafka:plaintext")
    assert unreachable.why == "not host:port each"


async def test_a_setting_that_cannot_be_used(tmp_path):
    """No connection is tried then."""
    unreachable = await why("kafka.invalid:1", security_protocol="SSL", ssl_ca_file=tmp_path / "x")
    assert unreachable.what == f"ssl_ca_file {tmp_path / 'x'}"


@asynccontextmanager
async def silent_server():
    """A server that accepts connections and says nothing."""
    writers = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())
        for writer in writers:
            writer.close()


async def test_a_server_that_says_nothing():
    """Within the time allowed."""
    async with silent_server() as address:
        unreachable = await why(address, request_timeout_ms=200)
    assert unreachable.why == "it does not answer in time"


async def test_every_server_is_described_and_reachable_ones_are_not(broker, free_address):
    """One that answers is no news; of the others each has its reason."""
    both = Connection(bootstrap_servers=(broker.bootstrap_servers, free_address, "kafka.invalid:1"))
    whats = [unreachable.what for unreachable in await describe_failure(both)]
    assert whats == [f"broker {free_address}", "broker kafka.invalid:1"]
    one = Connection(bootstrap_servers=(broker.bootstrap_servers,))
    assert await describe_failure(one) == ()


async def test_an_advertised_address_that_cannot_be_reached(scripted_broker, free_address):
    """The classic of containers: the bootstrap works, what it advertises does not."""
    host, _, port = free_address.partition(":")
    metadata = MetadataResponse_v4(0, [(7, host, int(port), None)], "c", 7, [])
    broker = await scripted_broker({3: (4, lambda *_: metadata)})
    unreachable = await why(broker.address)
    assert unreachable.what == f"broker 7 at its advertised address {free_address}"


async def test_a_broker_from_before_kafka_0_11(scripted_broker):
    """It cannot be asked for a topic without creating it, so it is not asked."""
    broker = await scripted_broker({3: (3, None)})
    unreachable = await why(broker.address)
    assert "older than Kafka 0.11" in unreachable.why
    assert set(broker.requests) == {18}


async def test_a_login_that_is_answered_oddly(scripted_broker):
    """Whatever aiokafka makes of it, it is a broker that cannot be reached."""
    broker = await scripted_broker(
        {
            17: (1, lambda *_: SaslHandShakeResponse_v1(0, ["SCRAM-SHA-256"])),
            36: (0, lambda *_: SaslAuthenticateResponse_v0(0, None, b"no attributes")),
        }
    )
    login = password_login("SCRAM-SHA-256")
    assert (await why(broker.address, **login)).what == f"broker {broker.address}"
    cluster = Cluster(Connection(bootstrap_servers=(broker.address,), **login))
    with pytest.raises(BrokersUnavailableError, match="lets the gauge in"):
        await cluster.start()
    await cluster.close()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_wrong_password(secure_broker, mechanism):
    """User and mechanism are named, the password is not."""
    unreachable = await why(secure_broker.addresses["SASL"], **password_login(mechanism))
    assert unreachable.why.startswith(f"it refuses user 'plain' with {mechanism}: ")


async def test_a_token_that_is_refused(secure_broker, tmp_path):
    """Its broker shows no broker to it, which aiokafka takes for a cluster that is empty."""
    (tmp_path / "token").write_text(WRONG)
    unreachable = await why(
        secure_broker.addresses["SASL"],
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        token=TokenFile(tmp_path / "token"),
    )
    assert unreachable.why == "it refuses the token"


async def test_no_token_was_to_be_had(secure_broker, tmp_path):
    """The provider's own words."""
    unreachable = await why(
        secure_broker.addresses["SASL"],
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        token=TokenFile(tmp_path / "token"),
    )
    assert unreachable.why.startswith(f"the token file {tmp_path / 'token'} cannot be read")


@pytest.mark.parametrize(
    ("listener", "protocol", "words"),
    [
        ("SASL", "PLAINTEXT", "closes the connection, as listeners for TLS or SASL do"),
        ("TLS", "PLAINTEXT", "closes the connection, as listeners for TLS or SASL do"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "its listener wants no SASL"),
        ("SASL_TLS", "SASL_PLAINTEXT", "closes the connection, as listeners for TLS do"),
        ("PLAINTEXT", "SSL", "its listener does not speak TLS"),
        ("SASL", "SASL_SSL", "its listener does not speak TLS"),
        ("SASL_TLS", "SSL", "closes the connection after the TLS handshake"),
        ("TLS", "SASL_SSL", "its listener wants no SASL"),
        ("MUTUAL_TLS", "SSL", "it wants a client certificate and does not accept ours"),
    ],
)
async def test_a_listener_for_another_protocol(secure_broker, tmp_path, listener, protocol, words):
    """Every mismatch says what the listener seems to be."""
    settings = password_login(protocol=protocol) if "SASL" in protocol else {}
    settings |= {"security_protocol": protocol}
    if "SSL" in protocol:
        settings["ssl_ca_file"] = secure_broker.write_ca_certificate(tmp_path)
    unreachable = await why(secure_broker.addresses[listener], **settings)
    assert words in unreachable.why


async def test_an_authority_that_is_not_trusted(secure_broker, tmp_path):
    """By the system, or by the file given."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    for settings in ({}, {"ssl_ca_file": tmp_path / "other.pem"}):
        unreachable = await why(secure_broker.addresses["TLS"], security_protocol="SSL", **settings)
        assert "signed by an authority that is not trusted here" in unreachable.why
        assert "ssl_ca_file" in unreachable.remedy


@asynccontextmanager
async def tls_server(certificate):
    """A server that identifies itself by this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


@pytest.mark.parametrize(
    ("identity", "words", "remedy"),
    [
        ({"identities": ["other.invalid"]}, "is for another name", "ssl_check_hostname"),
        (
            {"identities": ["127.0.0.1"], "not_after": datetime(2020, 1, 1, tzinfo=UTC)},
            "is not valid at this time",
            "renew",
        ),
    ],
)
async def test_a_certificate_that_does_not_fit(tmp_path, identity, words, remedy):
    """Signed by the right authority, for another name or another time."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = ca.issue_cert(*identity.pop("identities"), **identity)
    async with tls_server(certificate) as address:
        unreachable = await why(address, security_protocol="SSL", ssl_ca_file=tmp_path / "ca.pem")
    assert words in unreachable.why
    assert remedy in unreachable.remedy


async def test_a_start_that_fails_says_why(free_address):
    """The cluster's own error carries the reasons."""
    cluster = Cluster(Connection(bootstrap_servers=(free_address,)))
    with pytest.raises(BrokersUnavailableError, match="nothing listens there") as raised:
        await cluster.start()
    assert [told.what for told in raised.value.unreachable] == [f"broker {free_address}"]
    await cluster.close()


def test_a_mechanism_that_is_off_is_named():
    """The broker says in its handshake what it offers, and this is not among it."""
    connection = Connection(bootstrap_servers=("k:1",), **password_login("SCRAM-SHA-512"))
    told = explain(connection, "broker k:1", UnsupportedSaslMechanismError("enabled: PLAIN"))
    assert told.why == "it does not offer SCRAM-SHA-512 there"
    assert "sasl_mechanism" in told.remedy


def test_a_secret_in_a_brokers_text_is_blanked():
    """Whatever a broker quotes."""
    connection = Connection(bootstrap_servers=("k:1",), **password_login())
    told = explain(connection, "broker k:1", ValueError(f"bad {WRONG}!"))
    assert told.why == "bad ***!"


def test_a_failure_without_words_has_a_name():
    """Nothing is told as an empty text."""
    connection = Connection(bootstrap_servers=("k:1",))
    assert explain(connection, "broker k:1", AssertionError()).why == "AssertionError"
