"""Where configuration ends: what each room is handed."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.app import settings
from streamgauge.app.settings import MOST_PLACES, CannotStartError
from streamgauge.config import load
from streamgauge.core.checks.policy import Limit
from streamgauge.core.event_time import FirstSightingRule, HeaderRule, PointerRule, RecordRule
from streamgauge.core.first_sightings import PLACES
from streamgauge.core.gauge import DeadLetterTopic
from streamgauge.kafka.fetching import DEAD_LETTERS_PER_POLL, Fetching
from streamgauge.kafka.tokens import ClientCredentials, TokenFile
from streamgauge.otlp.environment import OtlpConfigurationError

PLAIN = "kafka: {bootstrap_servers: 'a:1, b:2'}\nstreams: {orders: {topic: orders.placed}}\n"


@pytest.fixture
def configure(tmp_path):
    """Loads a YAML text, with variables: `configure(text, SOME="variable")`."""

    def configure(text, **variables):
        path = tmp_path / "streamgauge.yaml"
        path.write_text(text)
        return load(path, variables)

    return configure


@pytest.fixture
def file(tmp_path):
    """Makes a file and gives its path."""

    def make(name, content="x"):
        path = tmp_path / name
        path.write_text(content)
        return path

    return make


def test_a_plain_connection_has_nothing_but_its_servers(configure):
    """And the times of the configuration."""
    connection = settings.connection(configure(PLAIN).kafka)
    assert connection.bootstrap_servers == ("a:1", "b:2")
    assert (connection.security_protocol, connection.sasl_mechanism) == ("PLAINTEXT", None)
    assert (connection.username, connection.password, connection.token) == (None, None, None)
    assert connection.request_timeout_ms == 30_000


def test_a_connection_with_everything(configure, file):
    """Each setting arrives; secrets from variables and files come out in the clear."""
    ca, certificate, key = file("ca.pem"), file("own.pem"), file("own.key")
    password = file("password", "key-secret\n")
    text = f"""
kafka:
  bootstrap_servers: a:1
  security_protocol: SASL_SSL
  sasl_mechanism: SCRAM-SHA-512
  sasl_username: gauge
  ssl_ca_file: {ca}
  ssl_certificate_file: {certificate}
  ssl_key_file: {key}
  ssl_key_password_file: {password}
  ssl_check_hostname: false
  client_id: me
  request_timeout: 7s
  metadata_max_age: 11s
  connections_max_idle: 13s
streams: {{orders: {{topic: orders}}}}
"""
    config = configure(text, STREAMGAUGE_KAFKA__SASL_PASSWORD="login-secret")
    connection = settings.connection(config.kafka)
    assert (connection.username, connection.password) == ("gauge", "login-secret")
    assert connection.ssl_key_password == "key-secret"
    assert (connection.ssl_ca_file, connection.ssl_certificate_file) == (ca, certificate)
    assert (connection.ssl_key_file, connection.ssl_check_hostname) == (key, False)
    assert (connection.security_protocol, connection.sasl_mechanism, connection.client_id) == (
        "SASL_SSL", "SCRAM-SHA-512", "me",
    )  # fmt: skip
    assert connection.request_timeout_ms == 7_000
    assert connection.metadata_max_age_ms == 11_000
    assert connection.connections_max_idle_ms == 13_000


def test_tokens_come_from_a_file_or_from_an_endpoint(configure, file):
    """As OAUTHBEARER is configured."""
    oauth = """
kafka:
  {{bootstrap_servers: a:1, security_protocol: SASL_PLAINTEXT,
    sasl_mechanism: OAUTHBEARER, {}}}
streams: {{orders: {{topic: orders}}}}
"""
    token = file("token")
    kafka = configure(oauth.format(f"oauth_token_file: {token}")).kafka
    assert settings.connection(kafka).token == TokenFile(Path(token))
    endpoint = "oauth_token_url: 'https://idp/token', oauth_client_id: me, oauth_scope: kafka"
    secret = {"STREAMGAUGE_KAFKA__OAUTH_CLIENT_SECRET": "client-secret"}
    kafka = configure(oauth.format(endpoint), **secret).kafka
    source = ClientCredentials("https://idp/token", "me", "client-secret", "kafka")
    assert settings.connection(kafka).token == source


def test_a_stream_becomes_a_policy_and_how_it_is_read(configure):
    """Dead letters are never waited for; all else is as configured."""
    text = """
kafka:
  {bootstrap_servers: a:1, fetch_max_wait: 80ms, fetch_min_bytes: 9, poll_interval: 2s,
   check_crcs: true}
streams:
  shop:
    topic: orders.placed
    isolation_level: read_uncommitted
    start_from: 2026-01-31T12:00:00Z
    event_time: [{header: at}, {pointer: /a/b}, {first_sighting: other}, record]
    groups: [fulfillment, "b-*"]
    dead_letters: [{topic: orders.dlq}, {topic: late, asset_key: [late]}]
    window: 30s
    asset_key: [kafka, orders]
    checks: {lag: {warn: {above: 7, for: 1s}}}
  other: {topic: others}
"""
    (policy, how), (other, how_other) = settings.streams(configure(text))
    assert (policy.name, policy.topic, policy.asset_key) == (
        "shop", "orders.placed", ("kafka", "orders"),
    )  # fmt: skip
    assert policy.groups == ("fulfillment", "b-*")
    assert policy.dead_letters == (
        DeadLetterTopic("orders.dlq", ("kafka", "orders_dlq"), frozenset({"orders.placed"})),
        DeadLetterTopic("late", ("late",), frozenset({"orders.placed"})),
    )
    assert (policy.window_ms, policy.resolution_ms) == (30_000, 80)
    assert policy.checks["lag"].warn == Limit(above=7, for_ms=1_000)
    assert (how.isolation_level, how.start_from) == ("read_uncommitted", 1_769_860_800_000)
    assert how.fetching == Fetching(min_bytes=9, max_wait_ms=80, check_crcs=True)
    assert how.dead_letter_fetching == Fetching(
        min_bytes=1, max_wait_ms=80, check_crcs=True, records_per_poll=DEAD_LETTERS_PER_POLL
    )
    assert how.poll_interval_ms == policy.poll_interval_ms == 2_000
    assert how.ledger_budget is how_other.ledger_budget is not None
    assert how.sightings["other"] is how_other.own_sightings is not None
    assert how.own_sightings is how.sightings["shop"]
    assert [type(rule) for rule in how.event_time] == [
        HeaderRule, PointerRule, FirstSightingRule, RecordRule,
    ]  # fmt: skip
    assert (other.name, other.asset_key) == ("other", ("kafka", "others"))


def test_trace_ids_are_remembered_where_somebody_asks(configure):
    """Another stream that names it, or dead letters of its own; all others cost nothing."""
    text = """
kafka: {bootstrap_servers: a:1}
streams:
  carts: {topic: carts}
  orders: {topic: orders, event_time: [{first_sighting: carts}, record], dead_letters: [{topic: d}]}
  shipments: {topic: shipments, event_time: [{first_sighting: carts}]}
  users: {topic: users}
"""
    remembered = settings.first_sightings(configure(text))
    assert {name: each.size for name, each in remembered.items()} == {
        "carts": PLACES,
        "orders": PLACES,
    }
    assert remembered["carts"] is not remembered["orders"]
    assert settings.first_sightings(configure(PLAIN)) == {}


@pytest.mark.parametrize("count", [1, 2, 16, 17, 32, 33, 100])
def test_many_streams_share_the_room_for_trace_ids(configure, count):
    """In equal parts, none of which is larger than that of one stream alone."""
    streams = (f"  s{n}: {{topic: t{n}, dead_letters: [{{topic: d{n}}}]}}\n" for n in range(count))
    text = "kafka: {bootstrap_servers: a:1}\nstreams:\n" + "".join(streams)
    (size,) = {each.size for each in settings.first_sightings(configure(text)).values()}
    assert size == PLACES or MOST_PLACES / 2 < size * count <= MOST_PLACES
    assert size * count <= MOST_PLACES


async def test_only_configured_sinks_are_built(configure):
    """The web server is always there."""
    built = settings.sinks(configure(PLAIN), lambda: 0)
    assert (built.otlp, built.dagster, built.health()) == (None, None, ())
    everything = PLAIN + "otlp: {}\ndagster: {base_url: 'http://d:3000', token_header: X-T}\n"
    built = settings.sinks(configure(everything), lambda: 0)
    assert [health.name for health in built.health()] == [
        "otlp_metrics", "otlp_traces", "dagster",
    ]  # fmt: skip
    await built.dagster.flush(1)


async def test_certificates_that_cannot_be_used_are_told_with_their_setting(configure, file):
    """What it is, where, and what to do."""
    path = file("ca.pem", "no certificate")
    text = PLAIN + f"dagster: {{base_url: 'https://d:3000', ca_file: {path}}}\n"
    with pytest.raises(CannotStartError) as raised:
        settings.sinks(configure(text), lambda: 0)
    assert str(raised.value).startswith(f"dagster.ca_file: {path} cannot be used: ")
    assert "name a file with certificates (PEM)" in str(raised.value)


def test_a_variable_of_opentelemetry_that_cannot_work_is_told(configure, monkeypatch):
    """Before anything is started."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon")
    with pytest.raises(OtlpConfigurationError, match="carrier-pigeon"):
        settings.sinks(configure(PLAIN + "otlp: {}\n"), lambda: 0)
