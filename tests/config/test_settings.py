"""What is written becomes values that need no further reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from streamgauge.config.asset_keys import default_asset_key
from streamgauge.config.event_time import FirstSightingTime, HeaderTime, PointerTime

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure

SMALLEST = "kafka: {bootstrap_servers: 'k:9092'}\nstreams: {orders: {topic: orders.placed-v1}}\n"


def test_defaults(configure: Configure):
    """The smallest file says all that has no default."""
    config = configure(SMALLEST)
    assert config.dagster is None
    assert config.otlp is None
    assert (config.web.host, config.web.port) == ("127.0.0.1", 8080)
    assert (config.log.level, config.log.format) == ("info", "json")
    assert config.grace_period_ms == 10_000
    kafka = config.kafka
    assert kafka.bootstrap_servers == ("k:9092",)
    assert (kafka.security_protocol, kafka.client_id) == ("PLAINTEXT", "streamgauge")
    assert (kafka.poll_interval_ms, kafka.request_timeout_ms) == (1_000, 30_000)
    assert (kafka.metadata_max_age_ms, kafka.connections_max_idle_ms) == (30_000, 180_000)
    assert (kafka.fetch_max_wait_ms, kafka.fetch_min_bytes) == (100, 65_536)
    assert (kafka.check_crcs, kafka.ssl_check_hostname) == (False, True)
    stream = config.streams["orders"]
    assert (stream.isolation_level, stream.start_from) == ("read_committed", "latest")
    header, cloud_events = HeaderTime(header="event-time"), HeaderTime(header="ce_time")
    assert stream.event_time == (header, cloud_events, "record")
    assert (stream.groups, stream.dead_letters, stream.window_ms) == ((), (), 60_000)
    assert stream.asset_key == ("kafka", "orders_placed_v1")
    assert stream.checks.model_fields_set == set()


def test_sections_with_defaults(configure: Configure):
    """An empty mapping switches a section on."""
    config = configure(SMALLEST + "otlp: {}\ndagster: {base_url: 'https://a/prefix/'}\n")
    assert config.otlp is not None
    assert config.otlp.model_dump() == {
        "spans_per_second": 10,
        "series_max": 2_000,
        "exemplars_per_series": 20,
    }
    assert config.dagster is not None
    assert config.dagster.base_url == "https://a/prefix"
    assert config.dagster.token_header == "Dagster-Cloud-Api-Token"
    assert (config.dagster.report_every_ms, config.dagster.timeout_ms) == (300_000, 10_000)
    assert config.dagster.request_headers() == {}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a:1", ("a:1",)),
        ("'a:1, b:2'", ("a:1", "b:2")),
        ("[a:1, 'b:2', '[::1]:9092']", ("a:1", "b:2", "[::1]:9092")),
    ],
)
def test_bootstrap_servers(configure: Configure, written: str, read: tuple[str, ...]):
    """One broker, several with commas, or a list."""
    config = configure(f"kafka: {{bootstrap_servers: {written}}}\nstreams: {{a: {{topic: a}}}}\n")
    assert config.kafka.bootstrap_servers == read


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("0.0.0.0:0", "0.0.0.0", 0),  # noqa: S104 - nothing listens here
        ("localhost:8080", "localhost", 8080),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_listen(configure: Configure, listen: str, host: str, port: int):
    """Names, any free port and IPv6."""
    web = configure(f"{SMALLEST}web: {{listen: '{listen}'}}\n").web
    assert (web.host, web.port) == (host, port)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("latest", "latest"),
        ("earliest", "earliest"),
        ("1970-01-01T00:00:01Z", 1_000),
        ("1970-01-01 01:00:00.2509+01:00", 250),
        ("'2026-01-31T12:00:00.5-08:00'", 1_769_889_600_500),
    ],
)
def test_start_from(configure: Configure, written: str, read: str | int):
    """A time is milliseconds since the epoch."""
    stream = f"{{topic: a, start_from: {written}}}"
    text = f"kafka: {{bootstrap_servers: 'k:1'}}\nstreams: {{a: {stream}}}\n"
    assert configure(text).streams["a"].start_from == read


def test_event_time(configure: Configure):
    """Each kind of entry is a value of its own."""
    config = configure(
        "kafka: {bootstrap_servers: 'k:9092'}\n"
        "streams:\n"
        "  a: {topic: a}\n"
        "  b:\n"
        "    topic: b\n"
        "    event_time: [{header: x}, {pointer: /a~1b/0}, {first_sighting: a}, record]\n"
    )
    assert config.streams["b"].event_time == (
        HeaderTime(header="x"),
        PointerTime(pointer="/a~1b/0"),
        FirstSightingTime(first_sighting="a"),
        "record",
    )


def test_dead_letters(configure: Configure):
    """Each dead letter topic has an asset, named or by default."""
    config = configure(
        "kafka: {bootstrap_servers: 'k:9092'}\n"
        "streams: {a: {topic: a, dead_letters: [{topic: a.dlq}, {topic: b, asset_key: [c, d]}]}}\n"
    )
    first, second = config.streams["a"].dead_letters
    assert (first.topic, first.asset_key) == ("a.dlq", ("kafka", "a_dlq"))
    assert (second.topic, second.asset_key) == ("b", ("c", "d"))


def test_shared_dead_letter_topic(configure: Configure):
    """The stream named first keeps the default key; a key that is given is kept by every stream."""
    config = configure(
        "kafka: {bootstrap_servers: 'k:9092'}\n"
        "streams:\n"
        "  b.first: {topic: b, dead_letters: [{topic: own}, {topic: d.q}]}\n"
        "  a.second: {topic: a, dead_letters: [{topic: d.q}]}\n"
        "  third: {topic: c, dead_letters: [{topic: d.q, asset_key: [mine]}]}\n"
    )
    assert [
        [each.asset_key for each in stream.dead_letters] for stream in config.streams.values()
    ] == [[("kafka", "own"), ("kafka", "d_q")], [("kafka", "d_q__a_second")], [("mine",)]]


def test_same_topic_twice(configure: Configure):
    """A topic can be two streams, for groups of both isolation levels, under two asset keys."""
    config = configure(
        "kafka: {bootstrap_servers: 'k:9092'}\n"
        "streams:\n"
        "  a: {topic: t}\n"
        "  b: {topic: t, isolation_level: read_uncommitted, asset_key: [kafka, t, uncommitted]}\n"
    )
    assert [stream.isolation_level for stream in config.streams.values()] == [
        "read_committed",
        "read_uncommitted",
    ]


@pytest.mark.parametrize(
    ("topic", "key"),
    [("orders", ("kafka", "orders")), ("a.b-c_D9", ("kafka", "a_b_c_D9"))],
)
def test_default_asset_key(topic: str, key: tuple[str, ...]):
    """What Dagster allows in a name is kept, all else is an underscore."""
    assert default_asset_key(topic) == key


@pytest.mark.parametrize("window", ["1s", "10s", "1m", "7m12s", "20m", "1h", "60"])
def test_window(configure: Configure, window: str):
    """Whole seconds that divide a day."""
    text = (
        f"kafka: {{bootstrap_servers: 'k:9092'}}\nstreams: {{a: {{topic: a, window: {window}}}}}\n"
    )
    window_ms = configure(text).streams["a"].window_ms
    assert window_ms >= 1_000
    assert 86_400_000 % window_ms == 0


def test_checks(configure: Configure):
    """Ages are seconds, counts are records, and what is not set stays unset."""
    checks = (
        configure(
            "kafka: {bootstrap_servers: 'k:9092'}\n"
            "streams:\n"
            "  a:\n"
            "    topic: a\n"
            "    groups: [g]\n"
            "    checks:\n"
            "      fresh: {warn: {above: 1m30s}, fail: {above: 100.5, for: 2m}, on_no_data: pass}\n"
            "      arrival_age: {enabled: false}\n"
            "      lag: {warn: {above: 10000, for: 5m}, keep_failing_for: 2m}\n"
            "      throughput: {fail: {below: 0.5}}\n"
        )
        .streams["a"]
        .checks
    )
    fresh, lag, throughput = checks.fresh, checks.lag, checks.throughput
    assert fresh is not None
    assert fresh.warn is not None
    assert fresh.fail is not None
    assert (fresh.warn.above, fresh.warn.below, fresh.warn.for_ms) == (90.0, None, None)
    assert (fresh.fail.above, fresh.fail.for_ms) == (100.5, 120_000)
    assert (fresh.on_no_data, fresh.keep_failing_for_ms, fresh.enabled) == ("pass", None, True)
    assert checks.arrival_age is not None
    assert not checks.arrival_age.enabled
    assert lag is not None
    assert lag.warn is not None
    assert (lag.warn.above, lag.warn.below, lag.warn.for_ms) == (10_000, None, 300_000)
    assert (lag.fail, lag.keep_failing_for_ms) == (None, 120_000)
    assert throughput is not None
    assert throughput.fail is not None
    assert (throughput.fail.above, throughput.fail.below) == (None, 0.5)
    assert checks.no_dead_letters is None


def test_disabled_checks_need_nothing(configure: Configure):
    """A check that is switched off may have nothing to judge."""
    stream = "{topic: a, checks: {lag: {enabled: false}}}"
    text = f"kafka: {{bootstrap_servers: 'k:9092'}}\nstreams: {{a: {stream}}}\n"
    lag = configure(text).streams["a"].checks.lag
    assert lag is not None
    assert not lag.enabled


def test_frozen(configure: Configure):
    """A configuration does not change after it is loaded."""
    config = configure(SMALLEST)
    with pytest.raises(ValidationError):
        config.web = config.web  # type: ignore[misc] - that this is refused is the test


SCRAM = "SASL_SSL, sasl_mechanism: SCRAM-SHA-512, sasl_username: $ConnectionString"
CLIENT = "oauth_token_url: https://a/b, oauth_client_id: joe, oauth_client_secret_file: pem"


@pytest.mark.parametrize(
    "security",
    [
        "SSL",
        "SSL, ssl_ca_file: pem",
        "SSL, ssl_certificate_file: pem, ssl_key_file: pem, ssl_key_password_file: pem",
        "SASL_PLAINTEXT, sasl_mechanism: PLAIN, sasl_username: a, sasl_password_file: pem",
        f"{SCRAM}, sasl_password_file: pem, ssl_check_hostname: false",
        "SASL_SSL, sasl_mechanism: OAUTHBEARER, oauth_token_file: pem",
        f"SASL_SSL, sasl_mechanism: OAUTHBEARER, {CLIENT}, oauth_scope: kafka",
    ],
)
def test_security(configure: Configure, tmp_path: Path, security: str):
    """Every way to be secure is accepted when all that it needs is there."""
    (tmp_path / "pem").write_text("x")
    kafka = f"kafka: {{bootstrap_servers: 'k:1', security_protocol: {security}}}\n"
    assert security.startswith(
        configure(kafka + "streams: {a: {topic: a}}").kafka.security_protocol
    )
