"""`streamgauge state` against a real coordinator and a real gauge: seen, refused, forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import yaml
from confluent_kafka.admin import AdminClient

from .gauge_process import configuration, wait_until

pytestmark = pytest.mark.real_broker


@pytest.fixture
def state(tmp_path):
    """The command as a shell sees it: `state(config, "reset", "--yes")`."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("STREAMGAUGE_")}

    def run(config, *arguments, stdin=""):
        path = tmp_path / "state.yaml"
        path.write_text(yaml.safe_dump(config))
        at = arguments.index("reset") + 1 if "reset" in arguments else 0
        words = ["state", *arguments[:at], "--config", str(path), *arguments[at:]]
        ended = subprocess.run(
            [sys.executable, "-m", "streamgauge", *words],
            input=stdin, capture_output=True, env=environ, timeout=60, check=False, text=True,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr
        return ended

    return run


@pytest.fixture
def state_asking(tmp_path):
    """A reset that waits for an answer: `state_asking(config)` gives the process."""
    started = []

    def start(config):
        path = tmp_path / "asking.yaml"
        path.write_text(yaml.safe_dump(config))
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "streamgauge", "state", "reset", "--config", str(path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def stream(broker, create_topic, topic_name):
    """A topic with a dead letter topic, and the gauge's configuration of both."""
    topic = topic_name("orders")
    create_topic(topic, 3, {})
    create_topic(topic + ".dlq", 1, {})
    entry = {
        "topic": topic,
        "dead_letters": [{"topic": topic + ".dlq"}],
        "state_group": f"streamgauge.{topic}",
    }
    return topic, configuration(broker.bootstrap_servers, {"orders": entry})


def group_of(config):
    """The group that keeps the state."""
    return config["streams"]["orders"]["state_group"]


def told(ended, name="orders"):
    """What the JSON says of one stream."""
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)["streams"][name]


def refused(ended):
    """The one sentence of a command that could not do what was asked."""
    assert (ended.returncode, ended.stdout) == (2, "")
    (sentence,) = ended.stderr.splitlines()
    return sentence


@pytest.fixture
def stopped(stream, gauge, producer):
    """The stream after a gauge has counted 40 records and 2 dead letters, and left in order.

    Gives `topic, config, status`.
    """
    topic, config = stream
    first = gauge(config)
    first.wait_seen()
    producer.send(topic, 40)
    producer.send(topic + ".dlq", 2)
    first.wait_counted(40)
    status = first.stream()
    assert first.stop()[0] == 0
    return topic, config, status


def test_before_the_first_start_nothing_is_stored(stream, state):
    """It is said of every partition, and there is nothing to forget."""
    topic, config = stream
    seen = told(state(config, "--json"))
    assert (seen["members"], seen["life"], seen["totals"]["records"]) == ([], None, 0)
    rows = [(row["topic"], row["partition"], row["position"]) for row in seen["partitions"]]
    assert rows == [(topic, p, None) for p in range(3)] + [(topic + ".dlq", 0, None)]
    assert state(config).stdout.count("nothing is stored") == 4
    ended = state(config, "reset")
    assert ended.returncode == 0
    assert "nothing is stored" in ended.stdout


def test_a_gauge_at_work_is_looked_at_and_not_forgotten(stream, state, gauge, producer):
    """The member is named; a reset is refused, and the gauge goes on counting."""
    topic, config = stream
    running = gauge(config)
    running.wait_seen()
    producer.send(topic, 10)
    running.wait_counted(10)
    seen = told(state(config, "--json"))
    assert [each["client_id"] for each in seen["members"]] == ["streamgauge"]
    assert seen["life"] == running.stream()["life"]
    assert "1 live member (streamgauge at " in state(config).stdout
    sentence = refused(state(config, "reset", "--yes"))
    assert f"group {group_of(config)} has a live member (streamgauge at " in sentence
    assert "stop its gauges first" in sentence
    producer.send(topic, 5)
    running.wait_counted(15)
    assert not running.events("state_not_stored")


def test_what_a_stopped_gauge_has_left_is_told(stopped, state):
    """The sums are those that the gauge told last; for people and for scripts."""
    topic, config, status = stopped
    seen = told(state(config, "--json"))
    assert (seen["group"], seen["members"]) == (group_of(config), [])
    assert (seen["life"], seen["life_start_ms"]) == (status["life"], status["life_start_ms"])
    assert (seen["totals"]["records"], seen["totals"]["dead_letters"]) == (40, 2)
    assert seen["totals"]["bytes"] == status["totals"]["bytes"]
    for row in seen["partitions"][:3]:
        assert row["position"] == status["partitions"][str(row["partition"])]["next_offset"]
        assert row["state"]["records"] == row["position"]
        assert row["unreadable"] is None
        assert row["bytes"] == 3 * row["units"] > 0
    assert len({row["state"]["writer"] for row in seen["partitions"]}) == 1
    text = state(config).stdout
    assert f"orders: group {group_of(config)}, no member lives" in text
    assert f"life {status['life']} since 20" in text
    assert "40 records and 2 dead letters" in text
    assert text.count(f"  {topic}") == 4


def test_what_cannot_be_read_is_told_with_its_reason(stopped, state, commit):
    """A slot that somebody has moved, and a topic that is not there."""
    topic, config, _ = stopped
    commit(group_of(config), topic, {1: 3})
    config["streams"]["orders"]["dead_letters"].append({"topic": "no-such-topic"})
    seen = told(state(config, "--json"))
    moved = seen["partitions"][1]
    assert (moved["position"], moved["state"]) == (3, None)
    assert moved["unreadable"]
    assert seen["absent_topics"] == ["no-such-topic"]
    text = state(config).stdout
    assert f"3         unreadable: {moved['unreadable']}" in text
    assert "topic no-such-topic does not exist" in text


@pytest.mark.parametrize(("start_from", "records"), [("latest", 0), ("earliest", 40)])
def test_after_a_reset_the_next_start_obeys_start_from(start_from, records, stopped, state, gauge):
    """In a new life, on all partitions, as if it were the first start."""
    _, config, status = stopped
    config["streams"]["orders"]["start_from"] = start_from
    ended = state(config, "reset", "--yes")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "40 records and 2 dead letters on 4 partitions" in ended.stdout
    assert f"begins a new life at `start_from` ({start_from})" in ended.stdout
    seen = told(state(config, "--json"))
    assert (seen["life"], seen["totals"]["records"]) == (None, 0)
    assert [row["state"]["forgotten"] for row in seen["partitions"]] == [True] * 4
    assert "nothing is stored" in state(config, "reset", "--yes").stdout
    second = gauge(config)
    second.wait_seen()
    second.wait_counted(records)
    after = second.stream()
    assert after["life"] != status["life"]
    assert after["totals"]["dead_letters"] == (2 if records else 0)
    starts = {row["start_position"] for row in after["partitions"].values()}
    assert (starts == {0}) == (start_from == "earliest")
    assert not second.events("state_restored")
    assert second.stop()[0] == 0
    seen = told(state(config, "--json"))
    assert (seen["life"], seen["totals"]["records"]) == (after["life"], records)
    assert not any(row["state"]["forgotten"] for row in seen["partitions"])


def test_it_is_asked_before_anything_is_forgotten(stopped, state):
    """No, and no answer at all, leave everything; yes forgets it."""
    _, config, status = stopped
    for answer in ("n\n", ""):
        ended = state(config, "reset", stdin=answer)
        assert ended.returncode == 1
        assert "40 records and 2 dead letters" in ended.stdout
        assert told(state(config, "--json"))["life"] == status["life"]
    assert state(config, "reset", stdin="y\n").returncode == 0
    assert told(state(config, "--json"))["life"] is None


def test_a_gauge_that_starts_while_it_is_asked_is_not_robbed(stopped, state_asking, gauge):
    """The broker refuses the marks; the gauge goes on in its life."""
    _, config, status = stopped
    asking = state_asking(config)
    assert "will be forgotten" in asking.stdout.readline()
    second = gauge(config)
    second.wait_for("state_restored")
    _, said = asking.communicate("y\n", timeout=60)
    assert asking.returncode == 2
    assert f"stream orders was not forgotten: group {group_of(config)} has a live member" in said
    second.wait_seen()
    assert second.stream()["life"] == status["life"]


def test_a_gauge_that_was_frozen_while_it_was_forgotten_does_not_bring_it_back(
    stream, state, gauge, producer
):
    """Its session has ended, so the reset was allowed; what it counts on is a new life."""
    topic, config = stream
    frozen = gauge(config)
    frozen.wait_seen()
    producer.send(topic, 10)
    frozen.wait_counted(10)
    life = frozen.stream()["life"]
    frozen.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: state(config, "reset", "--yes").returncode == 0, every=1)
    frozen.process.send_signal(signal.SIGCONT)
    producer.send(topic, 5)
    wait_until(lambda: told(state(config, "--json"))["life"])
    wait_until(lambda: frozen.stream().get("life") not in {None, life})
    assert told(state(config, "--json"))["life"] != life


def test_only_the_named_stream_is_forgotten(stopped, state, broker, topic_name, commit):
    """What stands in the other one's group stays; a name that is no stream is not guessed."""
    topic, config, _ = stopped
    other = topic_name("streamgauge")
    config["streams"]["returns"] = {"topic": topic, "state_group": other, "asset_key": [other]}
    commit(other, topic, {0: 1})
    assert "did you mean orders?" in refused(state(config, "reset", "--stream", "order", "--yes"))
    sentence = refused(state(config, "reset", "--stream", "x", "--yes"))
    assert sentence == "no stream is named x; known: orders, returns"
    assert state(config, "reset", "--stream", "orders", "--yes").returncode == 0
    assert told(state(config, "--json"), "returns")["partitions"][0]["position"] == 1
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_consumer_groups([other])[other].result(10)


@pytest.mark.parametrize("command", [(), ("reset",)])
def test_a_broker_that_is_away_is_one_sentence(command, state, closed_port):
    """With what to do about it."""
    entry = {"topic": "orders", "state_group": "streamgauge.orders"}
    config = configuration(f"127.0.0.1:{closed_port}", {"orders": entry})
    sentence = refused(state(config, *command))
    assert "nothing listens there" in sentence


@pytest.fixture
def user(secure_broker, topic_name, tmp_path):
    """A user who may see a topic; gives `name, config`."""
    name, topic = topic_name("user"), topic_name("orders")
    secure_broker.create_topic(topic, 1, {})
    secure_broker.allow(name, "READ", "TOPIC", topic)
    secure_broker.create_scram_user(name, "sesame-open", "SCRAM-SHA-256")
    (tmp_path / "password").write_text("sesame-open\n")
    entry = {"topic": topic, "state_group": f"streamgauge.{topic}"}
    config = configuration(secure_broker.addresses["SASL"], {"orders": entry})
    config["kafka"] |= {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_username": name,
        "sasl_password_file": str(tmp_path / "password"),
    }
    return name, config


def test_a_missing_right_is_named(user, state, secure_broker, gauge):
    """With READ on the group, which the gauge has anyway, all of it works."""
    name, config = user
    group = group_of(config)
    sentence = refused(state(config))
    assert sentence == f"the right READ on group {group} is missing; grant it"
    secure_broker.allow(name, "READ", "GROUP", group)
    running = gauge(config)
    running.wait_seen()
    assert running.stop()[0] == 0
    assert told(state(config, "--json"))["life"] is not None
    assert state(config, "reset", "--yes").returncode == 0


def test_a_stream_that_keeps_nothing_is_told(state, closed_port):
    """With the setting that says so."""
    entry = {"topic": "orders", "keep_state": False}
    config = configuration(f"127.0.0.1:{closed_port}", {"orders": entry})
    assert "every stream has keep_state: false" in refused(state(config))
