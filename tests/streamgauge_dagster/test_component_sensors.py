"""The sensors that the attributes of a `defs.yaml` give."""

import dagster as dg
import pytest

from streamgauge.config import ConfigError
from streamgauge_dagster import (
    Alert,
    EventHubs,
    Following,
    FreshnessTrigger,
    Poll,
    build_definitions,
)
from streamgauge_dagster.source import with_secrets

from .defs_yaml import COMPONENT_WARNINGS, INLINE, checks_of, load_component, specs_of
from .reporting import FRESH, LETTERS, ORDERS, STREAM

pytestmark = COMPONENT_WARNINGS
TABLE = dg.AssetKey("orders_table")
REPORTING = dg.AssetCheckKey(STREAM, "gauge_reporting")
SECRET = "Endpoint=sb://shop-events.servicebus.windows.net/;SharedAccessKey=the-key"


def sensors_of(defs):
    """The sensors by name, without the asset that all names begin with."""
    return {sensor.name.removeprefix("kafka__orders_placed_"): sensor for sensor in defs.sensors}


def test_without_the_attribute_there_are_none():
    """And no check that nobody would evaluate."""
    defs = load_component(**INLINE)
    assert not defs.sensors
    assert REPORTING not in checks_of(defs)


def test_sensors_follow_the_streams():
    """With the check that one of them evaluates; they run at once where that is wanted."""
    wanted = {
        "freshness_triggers": [{"target": "orders_table", "min_messages": 100, "max_lag": 5}],
        "alert": {"url_variable": "ALERT_URL", "levels": ["fail", "unknown"]},
    }
    defs = load_component(**INLINE, sensors=wanted | {"running": True})
    sensors = sensors_of(defs)
    assert sensors.keys() == {"observations", "triggers_orders_table", "alerts"}
    running = dg.DefaultSensorStatus.RUNNING
    assert {each.default_status for each in sensors.values()} == {running}
    assert checks_of(defs) - checks_of(load_component(**INLINE)) == {REPORTING}
    fewer = load_component(**INLINE, sensors=wanted | {"observations": False})
    assert sensors_of(fewer).keys() == {"triggers_orders_table", "alerts"}
    assert REPORTING not in checks_of(fewer)


def test_a_trigger_may_demand_checks_of_dead_letters(instance, reports):
    """By name, as all others; what it waits for is said."""
    wanted = {"target": "orders_table", "checks": ["no_dead_letters", "fresh"]}
    defs = load_component(**INLINE, sensors={"freshness_triggers": [wanted]})
    trigger = sensors_of(defs)["triggers_orders_table"]
    identity = {"sequence": 1, "life": "a", "period_end": "2026-01-31T12:35:00.250Z"}
    reports.observation(records_total=5, **identity)

    def said():
        result = trigger(dg.build_sensor_context(instance))
        return result.skip_reason.skip_message if result.skip_reason else result.run_requests

    reports.evaluation("fail", dg.AssetCheckKey(LETTERS, "no_dead_letters"), "one died")
    assert "no_dead_letters says fail: one died" in said()
    reports.evaluation("pass", dg.AssetCheckKey(LETTERS, "no_dead_letters"))
    assert "fresh" in said()
    reports.evaluation("pass", FRESH)
    (request,) = said()
    assert request.run_key.startswith("kafka/orders_placed:a:1:")


def test_each_of_several_streams_may_have_a_trigger(config_file):
    """Named by the stream in the gauge's file."""
    text = config_file(orders=ORDERS, clicks={"topic": "clicks"}).read_text()
    triggers = [{"target": "a", "stream": "clicks"}, {"target": "a", "stream": "orders"}]
    files, sensors = {"gauge.yaml": text}, {"freshness_triggers": triggers}
    defs = load_component(files, config="gauge.yaml", sensors=sensors)
    assert {sensor.name for sensor in defs.sensors} == {
        "kafka__clicks_observations",  # the first stream of the file
        "kafka__clicks_triggers_a",
        "kafka__orders_placed_triggers_a",
    }


def test_sensors_may_be_named(config_file):
    """So that another order of the file renames none, and they go on where they were."""
    streams = {"orders": ORDERS, "clicks": {"topic": "clicks"}}
    values = {"kafka": {"bootstrap_servers": "broker:9092"}}
    wanted = Following(
        name="shop",
        alert=Alert(url_variable="ALERT_URL"),
        freshness_triggers=[FreshnessTrigger(target=TABLE, stream="orders")],
    )
    for order in (streams, dict(reversed(streams.items()))):
        defs = build_definitions(values | {"streams": order}, sensors=wanted)
        assert {sensor.name for sensor in defs.sensors} == {
            "shop_observations",
            "shop_alerts",
            "kafka__orders_placed_triggers_orders_table",
        }
    polls = load_component(**INLINE, sensors={"name": "shop", "poll": {}}).sensors
    assert [sensor.name for sensor in polls] == ["shop_polls"]


def test_the_same_is_built_in_code(config_file):
    """From the file, or from what would stand in it."""
    values = {"kafka": {"bootstrap_servers": "broker:9092"}, "streams": {"orders": ORDERS}}
    wanted = Following(freshness_triggers=[FreshnessTrigger(target=TABLE)])
    for config in (values, config_file()):
        defs = build_definitions(config, environ={}, sensors=wanted)
        assert sensors_of(defs).keys() == {"observations", "triggers_orders_table"}
        assert REPORTING in checks_of(defs)
    with pytest.raises(ConfigError, match=r"streams\.orders\.topics"):
        build_definitions({**values, "streams": {"orders": ORDERS | {"topics": "x"}}})


def test_a_poll_stands_in_for_the_gauge():
    """It judges none of the gauge's checks, so there are none, and what is shown says so."""
    defs = load_component(**INLINE, sensors={"poll": {"every_seconds": 60}})
    assert sensors_of(defs).keys() == {"polls"}
    assert sensors_of(defs)["polls"].minimum_interval_seconds == 60
    assert checks_of(defs) == {REPORTING}
    stream, letters = specs_of(defs)[STREAM], specs_of(defs)[LETTERS]
    assert stream.description.splitlines()[0] == (
        "Kafka topic `orders.placed`, polled by Dagster every 1m: no gauge measures it."
    )
    assert letters.description.startswith("Dead letters of `orders.placed` on Kafka topic `orders.")
    assert "window" not in stream.metadata
    assert stream.metadata["isolation_level"] == "read_committed"


def test_a_poll_asks_the_brokers_of_the_component(instance):
    """Which are away here, and the tick says so."""
    hosts = {name: value for name, value in INLINE.items() if name != "bootstrap_servers"}
    poll = {"answer_within_seconds": 2}
    defs = load_component(**hosts, broker="127.0.0.1:1", sensors={"poll": poll})
    result = sensors_of(defs)["polls"](dg.build_sensor_context(instance))
    assert result.skip_reason.skip_message.startswith("Unknown: kafka/orders_placed (")
    assert "127.0.0.1:1" in result.skip_reason.skip_message


@pytest.mark.parametrize(
    ("variable", "environ", "told"),
    [
        (None, {}, ": is missing: name the environment variable that holds the connection string"),
        ("HUBS", {}, ": HUBS is not set where Dagster runs this code: set it to the connection"),
        ("HUBS", {"HUBS": "x=SharedAccessKey"}, ": HUBS holds no connection string: one begins"),
    ],
)
def test_a_poll_of_event_hubs_needs_the_connection_string(variable, environ, told):
    """It is asked for by each poll, and only then; what is said does not hold it."""
    hubs = EventHubs(namespace="shop-events", connection_string_variable=variable)
    with pytest.raises(ConfigError) as refused:
        hubs.connection_string(environ)
    assert str(refused.value).startswith(f"event_hubs.connection_string_variable{told}")
    assert "SharedAccessKey" not in str(refused.value)


def test_event_hubs_are_logged_in_to_with_the_connection_string(instance, monkeypatch):
    """The sensor reads it in each tick, from the variable that is named."""
    hosts = {name: value for name, value in INLINE.items() if name != "bootstrap_servers"}
    hubs = {"namespace": "shop-events", "connection_string_variable": "HUBS"}
    defs = load_component(**hosts, event_hubs=hubs, sensors={"poll": {}})
    monkeypatch.delenv("HUBS", raising=False)
    with pytest.raises(ConfigError, match="HUBS is not set"):
        sensors_of(defs)["polls"](dg.build_sensor_context(instance))
    values = EventHubs(**hubs)
    kafka = with_secrets(
        values.kafka() | {"sasl_password": values.connection_string({"HUBS": SECRET})}, {}
    )
    assert kafka.bootstrap_servers == ("shop-events.servicebus.windows.net:9093",)
    assert (kafka.sasl_username, kafka.sasl_mechanism) == ("$ConnectionString", "PLAIN")
    assert kafka.sasl_password.get_secret_value() == SECRET
    assert SECRET not in repr(kafka)


def test_secrets_of_a_poll_come_from_files_and_variables(tmp_path):
    """As for the gauge; what is missing is told with both ways."""
    section = {
        "bootstrap_servers": "broker:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_username": "me",
    }
    file = tmp_path / "password"
    file.write_text("of the file\n")
    of_file = section | {"sasl_password_file": str(file)}
    variables = {"STREAMGAUGE_KAFKA__SASL_PASSWORD": "of the variable"}
    assert with_secrets(of_file, {}).sasl_password.get_secret_value() == "of the file"
    for given in (section, of_file):
        secret = with_secrets(given, variables).sasl_password
        assert secret.get_secret_value() == "of the variable"
    with pytest.raises(ConfigError, match=r"kafka.sasl_password: is missing: .* set STREAMGAUGE_K"):
        with_secrets(section, {})


def test_poll_in_code_takes_secrets_of_the_file(config_file, instance):
    """From the variables of the moment."""
    secure = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "me",
    }
    path = config_file(kafka=secure)
    defs = build_definitions(path, environ={}, sensors=Following(poll=Poll()))
    with pytest.raises(ConfigError, match=r"kafka\.sasl_password \(line 1\): is missing"):
        sensors_of(defs)["polls"](dg.build_sensor_context(instance))
