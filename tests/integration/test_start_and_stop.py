"""Starting and ending: with everything dead, in the middle of things, and twice."""

from __future__ import annotations

import signal
import socket
import sys

import pytest

from .gauge_process import configuration, otlp_variables, wait_until

BROKEN = """
import sys, threading
from streamgauge import log
from streamgauge.app.run import run
from streamgauge.config import load
from streamgauge.kafka.cluster import Cluster

class Broken(Cluster):
    async def start(self):
        "Meets an error that nobody foresaw, while a thread of a library never ends."
        threading.Thread(target=threading.Event().wait).start()
        raise LookupError("a mistake")

def unable(connection):
    "Does not even begin."
    raise LookupError("a mistake")

log.configure()
sys.exit(run(load(sys.argv[2], {}), {"begun": Broken, "beginning": unable}[sys.argv[1]]))
"""


@pytest.fixture
def topic(create_topic, topic_name):
    """An empty topic with one partition."""
    name = topic_name("orders")
    create_topic(name, 1, {})
    return name


def test_a_taken_web_address_ends_the_start(gauge, closed_port):
    """With the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        servers = f"127.0.0.1:{closed_port}"
        started = gauge(configuration(servers, {"orders": "orders"}, web={"listen": address}))
        assert started.wait(30) == 2
    (told,) = started.events("cannot_start")
    assert address in told["reason"]
    assert "web.listen" in told["reason"]


def test_what_cannot_be_followed_is_told_once_at_the_start(gauge, closed_port):
    """Variables that are taken otherwise than they are written."""
    started = gauge(
        configuration(f"127.0.0.1:{closed_port}", {"orders": "orders"}, otlp={}),
        **otlp_variables(f"http://127.0.0.1:{closed_port}"),
        OTEL_EXPORTER_OTLP_TIMEOUT="10000",
    )
    started.wait_for("web_listening")
    (fact,) = started.events("otlp_variable")
    assert "OTEL_EXPORTER_OTLP_TIMEOUT=10000 is taken as milliseconds" in fact["fact"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_the_start_is_obeyed(number, gauge, closed_port):
    """As soon as the first line is out, whatever is up by then."""
    started = gauge(configuration(f"127.0.0.1:{closed_port}", {"orders": "orders"}))
    started.wait_for("web_listening")
    code, seconds = started.stop(number)
    assert (code, seconds < 10) == (0, True)
    assert started.events("service_stopped")
    assert not started.events("crashed")


@pytest.mark.parametrize("port", ["closed_port", "mute_port"])
def test_everything_dead_at_once_does_not_hold_the_end(port, request, gauge):
    """Brokers, Dagster and collector refuse, or take connections and never answer.

    A web client beside them sends half a request and waits.
    """
    dead = f"127.0.0.1:{request.getfixturevalue(port)}"
    started = gauge(
        configuration(dead, {"orders": "orders"}, dagster={"base_url": f"http://{dead}"}, otlp={},
                      grace_period="5s"),
        **otlp_variables(f"http://{dead}"),
    )  # fmt: skip
    wait_until(lambda: started.stream().get("checks"))
    host, web_port = started.events("web_listening")[0]["address"].split(":")
    with socket.create_connection((host, int(web_port))) as slow:
        slow.sendall(b"GET /status HTTP/1.1\r\nHost: x\r\n")
        code, seconds = started.stop()
    assert (code, seconds < 5.5) == (0, True)
    assert not started.events("crashed")


def test_a_second_signal_ends_at_once(gauge, mute_port):
    """Somebody does not want to wait for what is left; the line says what that means."""
    dead = f"127.0.0.1:{mute_port}"
    started = gauge(
        configuration(dead, {"orders": "orders"}, dagster={"base_url": f"http://{dead}"},
                      grace_period="1m")
    )  # fmt: skip
    wait_until(lambda: started.stream().get("checks"))
    started.process.send_signal(signal.SIGTERM)
    started.wait_for("service_stopping")
    code, seconds = started.stop(signal.SIGINT)
    assert (code, seconds < 5) == (0, True)
    assert started.lines[-1]["event"] == "service_cut_short"


@pytest.mark.parametrize("when", ["beginning", "begun"])
def test_a_mistake_in_the_code_ends_the_process_loudly(when, gauge, closed_port):
    """Exit code 1 and a line with the mistake itself, although a thread would keep it alive."""
    started = gauge(
        configuration(f"127.0.0.1:{closed_port}", {"orders": "orders"}, grace_period="3s"),
        command=(sys.executable, "-c", BROKEN, when),
    )
    assert started.wait(30) == 1
    (told,) = started.events("crashed")
    assert (told["level"], told["exception"][0]["exc_type"]) == ("critical", "LookupError")
    assert told["exception"][0]["exc_value"] == "a mistake"
    assert not started.events("service_stopped")


def test_a_killed_gauge_begins_a_new_life_at_zero(topic, broker, gauge, producer):
    """If no state is kept, what the first had counted is not counted again, nor claimed."""
    entry = {"topic": topic, "keep_state": False}
    config = configuration(broker.bootstrap_servers, {"orders": entry})
    first = gauge(config)
    first.wait_seen()
    producer.send(topic, 12)
    first.wait_counted(12)
    life = first.stream()["life"]
    first.process.kill()
    assert first.wait() == -signal.SIGKILL
    second = gauge(config)
    second.wait_seen()
    assert second.stream()["totals"]["records"] == 0
    assert second.stream()["life"] != life
    producer.send(topic, 5)
    second.wait_counted(5)
    assert second.stream()["partitions"]["0"]["start_position"] == 12
