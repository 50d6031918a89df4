"""Every way to prove who one is, and what happens when a right is missing."""

from __future__ import annotations

import pytest

from streamgauge_demo.parts.broker_secure import unsecured_token

from .gauge_process import configuration, wait_until
from .truthful import Truthful

pytestmark = pytest.mark.real_broker


@pytest.fixture
def stream(secure_broker, topic_name):
    """A topic on the secure broker, with a user who may read it and see one group.

    Gives `user, topic, group`.
    """
    user, topic, group = topic_name("user"), topic_name("orders"), topic_name("group")
    secure_broker.create_topic(topic, 1, {})
    secure_broker.allow(user, "READ", "TOPIC", topic)
    secure_broker.allow(user, "DESCRIBE", "GROUP", group)
    return user, topic, group


def watching(address, topic, group, **kafka):
    """A configuration that follows one group."""
    config = configuration(address, {"orders": {"topic": topic, "groups": [group]}})
    config["kafka"] |= kafka
    return config


def counts_everything(started, secure_broker, topic):
    """Whether the gauge is let in, sees topic and group, and counts."""
    started.wait_seen()
    Truthful(secure_broker.bootstrap_servers).send(topic, 6)
    started.wait_counted(6)
    wait_until(lambda: not started.stream()["blind"])


def test_a_client_certificate_lets_in(secure_broker, stream, gauge, tmp_path):
    """Mutual TLS: the broker takes the name from the certificate."""
    user, topic, group = stream
    certificate, key = secure_broker.write_client_certificate(tmp_path, user)
    config = watching(
        secure_broker.addresses["MUTUAL_TLS"],
        topic,
        group,
        security_protocol="SSL",
        ssl_ca_file=str(secure_broker.write_ca_certificate(tmp_path)),
        ssl_certificate_file=str(certificate),
        ssl_key_file=str(key),
    )
    counts_everything(gauge(config), secure_broker, topic)


def test_a_token_from_a_file_lets_in(secure_broker, stream, gauge, tmp_path):
    """OAUTHBEARER over TLS; the token is in no line."""
    user, topic, group = stream
    token = unsecured_token(user)
    (tmp_path / "token").write_text(token + "\n")
    config = watching(
        secure_broker.addresses["SASL_TLS"],
        topic,
        group,
        security_protocol="SASL_SSL",
        sasl_mechanism="OAUTHBEARER",
        oauth_token_file=str(tmp_path / "token"),
        ssl_ca_file=str(secure_broker.write_ca_certificate(tmp_path)),
    )
    started = gauge(config)
    counts_everything(started, secure_broker, topic)
    assert started.stop()[0] == 0
    assert token not in str(started.lines)


def scram(secure_broker, user, tmp_path):
    """Settings of a new SCRAM user, with the password in a file."""
    secure_broker.create_scram_user(user, "sesame-open", "SCRAM-SHA-256")
    (tmp_path / "password").write_text("sesame-open\n")
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_username": user,
        "sasl_password_file": str(tmp_path / "password"),
    }


def test_a_missing_right_is_told_and_heals(secure_broker, topic_name, gauge, tmp_path):
    """Story: a user without rights; READ on the topic is granted, then DESCRIBE on the group."""
    user, topic, group = topic_name("user"), topic_name("orders"), topic_name("group")
    secure_broker.create_topic(topic, 1, {})
    login = scram(secure_broker, user, tmp_path)
    started = gauge(watching(secure_broker.addresses["SASL"], topic, group, **login))
    told = started.wait_for("topic_forbidden")
    assert topic in told["what"] + told["reason"]
    assert "DESCRIBE" in told["reason"]
    secure_broker.allow(user, "READ", "TOPIC", topic)
    started.wait_for("topic_seen")
    told = started.wait_for("group_forbidden")
    assert group in told["reason"]
    assert wait_until(started.stream)["groups"][group]["lag"] is None
    secure_broker.allow(user, "DESCRIBE", "GROUP", group)
    started.wait_for("group_seen")
    wait_until(lambda: not started.stream()["blind"])
    assert started.stream()["completeness"] == 1
    assert started.stop()[0] == 0
    assert "sesame-open" not in str(started.lines)


def test_a_right_that_is_taken_away_is_told_once(secure_broker, stream, gauge, tmp_path):
    """Only READ is missed while DESCRIBE stays: fetches are refused, and no look tells."""
    user, topic, group = stream
    login = scram(secure_broker, user, tmp_path)
    started = gauge(watching(secure_broker.addresses["SASL"], topic, group, **login))
    counts_everything(started, secure_broker, topic)
    secure_broker.revoke_all(user)
    secure_broker.allow(user, "DESCRIBE", "TOPIC", topic)
    told = started.wait_for("topic_forbidden")
    assert "READ" in told["reason"]
    wait_until(lambda: started.level("fresh") == "unknown")
    Truthful(secure_broker.bootstrap_servers).send(topic, 4)
    secure_broker.allow(user, "READ", "TOPIC", topic)
    started.wait_counted(10)
    wait_until(lambda: started.level("fresh") == "pass")
    told = [line["event"] for line in started.lines if line.get("what") == f"topic {topic}"]
    assert told == ["topic_forbidden", "topic_seen"]
