"""Environment variables are laid over the file; names of ours must be right, others are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
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


def test_a_section_that_the_file_leaves_empty(refuse: Refuse):
    """The variables do not hide what is wrong in the file."""
    text = "kafka:\nstreams: {a: {topic: a}}\nweb: 5\n"
    environ = {"STREAMGAUGE_KAFKA__BOOTSTRAP_SERVERS": "k:1", "STREAMGAUGE_WEB__LISTEN": "a:1"}
    assert refuse(text, environ) == [
        "kafka (line 1): has no value: give it one ({} is an empty section), or remove it",
        "web (line 3): must be a mapping, not a number",
    ]


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("STREAMGAUGE_KAFKA__CLIENTID", "did you mean STREAMGAUGE_KAFKA__CLIENT_ID?"),
        ("STREAMGAUGE_KAFKA__POLL_INTERVAL_MS", "did you mean STREAMGAUGE_KAFKA__POLL_INTERVAL?"),
        ("STREAMGAUGE_KAFKA_CLIENT__ID", "did you mean STREAMGAUGE_KAFKA__CLIENT_ID?"),
        ("STREAMGAUGE__KAFKA__CLIENT_ID", "did you mean STREAMGAUGE_KAFKA__CLIENT_ID?"),
        (
            "STREAMGAUGE_STREAMS__ORDERS__TOPIC",
            "did you mean STREAMGAUGE_STREAMS__MY_ORDERS__TOPIC?",
        ),
        (
            "STREAMGAUGE_STREAMS__MY_ORDERS__CHECKS__LAG",
            "did you mean STREAMGAUGE_STREAMS__MY_ORDERS__CHECKS__LAG__ENABLED?",
        ),
        ("STREAMGAUGE___", "unset it"),
    ],
)
def test_unknown_names(refuse: Refuse, variable: str, told: str):
    """A name with two underscores that is no setting is told with the nearest that is one."""
    assert refuse(FILE, {variable: "hunter2"}) == [
        f"{variable}: is no setting of streamgauge; {told}"
    ]


def test_names_that_are_no_names(refuse: Refuse):
    """Whatever a name holds, it is told on one line that can be printed."""
    (told,) = refuse(FILE, {"STREAMGAUGE_\udc80\n__X": "y"})
    assert told.startswith(r'"STREAMGAUGE_\udc80\n__X": is no setting of streamgauge')
    told.encode()


def test_two_names_for_one_setting(refuse: Refuse):
    """Which of them counts would be chance."""
    environ = {"STREAMGAUGE_KAFKA__CLIENT_ID": "a", "STREAMGAUGE_KAFKA__client_id": "b"}
    assert refuse(FILE, environ) == [
        "STREAMGAUGE_KAFKA__client_id: sets kafka.client_id, as STREAMGAUGE_KAFKA__CLIENT_ID does: "
        "unset one of the two"
    ]


def test_a_name_that_two_streams_have(refuse: Refuse):
    """Streams whose names differ in case and punctuation only are no target."""
    text = "kafka: {bootstrap_servers: 'k:1'}\nstreams: {a-b: {topic: a}, A.B: {topic: b}}\n"
    assert refuse(text, {"STREAMGAUGE_STREAMS__A_B__WINDOW": "1m"}) == [
        "STREAMGAUGE_STREAMS__A_B__WINDOW: could mean streams.a-b.window or streams.A.B.window: set it "
        "in the file"
    ]


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("KAFKA__CLIENT_ID", "", "kafka.client_id ({}): is empty: give text, or leave it out"),
        ("KAFKA__CHECK_CRCS", "yes", "kafka.check_crcs ({}): must be true or false, not text"),
        ("KAFKA__CHECK_CRCS", "", "kafka.check_crcs ({}): must be true or false, not nothing"),
        ("OTLP__SERIES_MAX", "many", "otlp.series_max ({}): must be a whole number, not text"),
        ("OTLP__SERIES_MAX", "0", "otlp.series_max ({}): 0 is out of range: 1 to 1000000"),
        (
            "KAFKA__POLL_INTERVAL",
            "",
            "kafka.poll_interval ({}): must be a duration, not empty text: write 500ms, 5s, 1m, 1h30m, 1d or "
            "a number of seconds",
        ),
        (
            "STREAMS__MY_ORDERS__GROUPS",
            "",
            "streams.my-orders.groups ({}): must be a list, not empty text",
        ),
        (
            "STREAMS__MY_ORDERS__GROUPS",
            "a,,b",
            "streams.my-orders.groups[1] ({}): is empty: give text, or leave it out",
        ),
        (
            "STREAMS__MY_ORDERS__GROUPS",
            '["a", 5]',
            "streams.my-orders.groups[1] ({}): must be text, not a number: put it in quotes",
        ),
        (
            "STREAMS__MY_ORDERS__GROUPS",
            '["a"',
            "streams.my-orders.groups ({}): must be a list, not text",
        ),
        (
            "STREAMS__MY_ORDERS__DEAD_LETTERS",
            "dlq",
            "streams.my-orders.dead_letters[0] ({}): must be a mapping, not text",
        ),
        (
            "DAGSTER__TOKEN_HEADER",
            "Authorization",
            "dagster.base_url ({}): is missing: Where the Dagster webserver is found, with its path "
            "prefix if it has one",
        ),
    ],
)
def test_values_that_are_wrong(refuse: Refuse, variable: str, value: str, told: str):
    """What is wrong with a value is told with the variable that holds it."""
    name = f"STREAMGAUGE_{variable}"
    assert refuse(FILE, {name: value}) == [told.format(name)]
