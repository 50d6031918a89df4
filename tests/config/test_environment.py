"""Environment variables are laid over the file, and those of others are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from conftest import Configure, Refuse

FILE = """\
kafka: {bootstrap_servers: 'k:9092', poll_interval: 2s}
streams:
  my-orders: {topic: orders, groups: [a], dead_letters: [{topic: dlq}]}
  Carts.v2: {topic: carts}
"""

KUBERNETES = {
    "STREAMGAUGE_PORT": "tcp://10.0.0.1:8080",
    "STREAMGAUGE_SERVICE_HOST": "10.0.0.1",
    "STREAMGAUGE_SERVICE_PORT": "8080",
    "STREAMGAUGE_SERVICE_PORT_HTTP": "8080",
    "STREAMGAUGE_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "STREAMGAUGE_PORT_8080_TCP_ADDR": "10.0.0.1",
    "STREAMGAUGE_WEB_PORT": "tcp://10.0.0.1:8080",
    "STREAMGAUGE_KAFKA": "tcp://10.0.0.1:9092",
    "STREAMGAUGE_STREAMS": "{}",
    "STREAMGAUGE_CONFIG": "streamgauge.yaml",
    "STREAMGAUGE_GRACE_PERIOD": "soon",
    "streamgauge_kafka__nonsense": "another prefix",
    "MY_STREAMGAUGE_KAFKA__NONSENSE": "another prefix",
    "KAFKA__CLIENT_ID": "another prefix",
}


def test_orchestrators_are_left_alone(configure: Configure):
    """What Kubernetes sets beside a service of that name changes nothing."""
    assert configure(FILE, KUBERNETES) == configure(FILE)


def test_the_process_is_not_asked(configure: Configure, monkeypatch: pytest.MonkeyPatch):
    """Only the variables that are given count, not those of the process."""
    monkeypatch.setenv("STREAMGAUGE_KAFKA__CLIENT_ID", "of-the-process")
    assert configure(FILE).kafka.client_id == "streamgauge"


def test_kinds_of_values(configure: Configure):
    """Texts stay texts, and every other kind of value can be written."""
    config = configure(
        FILE,
        {
            "STREAMGAUGE_KAFKA__BOOTSTRAP_SERVERS": "a:1, b:2",
            "STREAMGAUGE_KAFKA__CLIENT_ID": "007",
            "STREAMGAUGE_KAFKA__POLL_INTERVAL": "5",
            "STREAMGAUGE_KAFKA__REQUEST_TIMEOUT": "1m",
            "STREAMGAUGE_KAFKA__FETCH_MIN_BYTES": "1024",
            "STREAMGAUGE_KAFKA__CHECK_CRCS": "true",
            "STREAMGAUGE_LOG__LEVEL": "debug",
            "STREAMGAUGE_WEB__LISTEN": "[::]:0",
            "STREAMGAUGE_OTLP__SERIES_MAX": "5",
            "STREAMGAUGE_DAGSTER__BASE_URL": "http://dagster:3000/prefix",
            "STREAMGAUGE_DAGSTER__HEADERS": '{"X-Team": "a:b"}',
            "STREAMGAUGE_STREAMS__MY_ORDERS__TOPIC": "true",
            "STREAMGAUGE_STREAMS__MY_ORDERS__GROUPS": "b, c-*",
            "STREAMGAUGE_STREAMS__MY_ORDERS__DEAD_LETTERS": '[{"topic": "x", "asset_key": ["y"]}]',
            "STREAMGAUGE_STREAMS__MY_ORDERS__EVENT_TIME": "[{pointer: /a}, record]",
            "STREAMGAUGE_STREAMS__MY_ORDERS__CHECKS__LAG__FAIL__ABOVE": "5.5",
            "STREAMGAUGE_STREAMS__MY_ORDERS__CHECKS__LAG__FAIL__FOR": "1m",
            "STREAMGAUGE_STREAMS__MY_ORDERS__CHECKS__LAG__ENABLED": "true",
            "STREAMGAUGE_STREAMS__CARTS_V2__ASSET_KEY": "kafka,carts",
        },
    )
    kafka = config.kafka
    assert kafka.bootstrap_servers == ("a:1", "b:2")
    assert kafka.client_id == "007"
    assert type(kafka.client_id) is str
    assert (kafka.poll_interval_ms, kafka.request_timeout_ms) == (5_000, 60_000)
    assert (kafka.fetch_min_bytes, kafka.check_crcs) == (1_024, True)
    assert (config.log.level, config.web.host, config.web.port) == ("debug", "::", 0)
    assert config.otlp is not None
    assert config.otlp.series_max == 5
    assert config.dagster is not None
    assert config.dagster.base_url == "http://dagster:3000/prefix"
    assert config.dagster.headers == {"X-Team": "a:b"}
    assert list(config.streams) == ["my-orders", "Carts.v2"]
    orders = config.streams["my-orders"]
    assert (orders.topic, orders.groups) == ("true", ("b", "c-*"))
    assert [(each.topic, each.asset_key) for each in orders.dead_letters] == [("x", ("y",))]
    assert orders.event_time[-1] == "record"
    assert orders.checks.lag is not None
    assert orders.checks.lag.fail is not None
    assert (orders.checks.lag.fail.above, orders.checks.lag.fail.for_ms) == (5.5, 60_000)
    assert config.streams["Carts.v2"].asset_key == ("kafka", "carts")


def test_both_speak_of_one_section(configure: Configure):
    """Only what a variable names is replaced."""
    config = configure(FILE, {"STREAMGAUGE_KAFKA__CLIENT_ID": "x"})
    assert (config.kafka.client_id, config.kafka.poll_interval_ms) == ("x", 2_000)


def test_case_of_the_keys(configure: Configure):
    """The keys may be written in lower case."""
    config = configure(FILE, {"STREAMGAUGE_streams__my_orders__topic": "x"})
    assert config.streams["my-orders"].topic == "x"


def test_names_that_are_no_names(refuse: Refuse):
    """Whatever a name holds, it is told on one line that can be printed."""
    (told,) = refuse(FILE, {"STREAMGAUGE_\udc80\n__X": "y"})
    assert told.startswith(r'"STREAMGAUGE_\udc80\n__X": is no setting of streamgauge')
    told.encode()
