"""Each setting that is wrong is told in one plain line: where, what is wrong and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Refuse

DURATION = "write 500ms, 5s, 1m, 1h30m, 1d or a number of seconds"
EVENT_TIME = "must be {header: name}, {pointer: /path}, {first_sighting: stream} or record"
WINDOWS = "write one of 1s, 5s, 10s, 15s, 30s, 1m, 2m, 5m, 10m, 15m, 30m, 1h"
NO_TLS = "has no effect with security_protocol PLAINTEXT: no TLS is spoken"
NO_OAUTH = "has no effect: only sasl_mechanism OAUTHBEARER uses it"
NO_PASSWORD = "has no effect: only sasl_mechanism PLAIN and SCRAM-SHA-* use it"  # noqa: S105 - what is told of one
SASL = "security_protocol: SASL_SSL, sasl_mechanism: "


def everything_but(**sections: str) -> str:
    """A configuration that is right but for the sections that are given; one line each."""
    right = {
        "kafka": "{bootstrap_servers: 'k:9092'}",
        "streams": "{orders: {topic: orders}}",
    }
    return "".join(f"{key}: {value}\n" for key, value in (right | sections).items())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "streams: {orders: {topic: a}}",
            ["kafka: is missing: How the brokers are reached and asked"],
        ),
        (
            "{}",
            [
                "kafka: is missing: How the brokers are reached and asked",
                "streams: is missing: The topics that are watched, each under a name of its own",
            ],
        ),
        (
            everything_but(kafak="{}"),
            ["kafak (line 3): unknown key; did you mean kafka?"],
        ),
        (
            everything_but(on="{}"),
            [
                "on (line 3): unknown key; known here: kafka, streams, dagster, otlp, web, log, "
                "grace_period"
            ],
        ),
        (
            everything_but(_env_file="/etc/passwd", _secrets_dir="/"),
            [
                "_env_file (line 3): unknown key; known here: kafka, streams, dagster, otlp, web, log, "
                "grace_period",
                "_secrets_dir (line 4): unknown key; known here: kafka, streams, dagster, otlp, web, "
                "log, grace_period",
            ],
        ),
        (
            everything_but(otlp=""),
            ["otlp (line 3): has no value: give it one ({} is an empty section), or remove it"],
        ),
        (everything_but(otlp="[]"), ["otlp (line 3): must be a mapping, not a list"]),
        (everything_but(otlp="true"), ["otlp (line 3): must be a mapping, not true or false"]),
        (
            everything_but(
                otlp="{spans_per_second: -1, series_max: 0.5, exemplars_per_series: many}"
            ),
            [
                "otlp.spans_per_second (line 3): -1 is out of range: 0 to 10000",
                "otlp.series_max (line 3): 0.5 is out of range: 1 to 1000000",
                "otlp.exemplars_per_series (line 3): must be a whole number, not text",
            ],
        ),
        (
            everything_but(otlp="{spans_per_second: 1.5, series_max: true}"),
            [
                "otlp.spans_per_second (line 3): must be a whole number, not 1.5",
                "otlp.series_max (line 3): must be a whole number, not true or false",
            ],
        ),
        (
            everything_but(otlp="{series_max: 99999999999999999999}"),
            ["otlp.series_max (line 3): 99999999999999999999 is out of range: 1 to 1000000"],
        ),
        (
            everything_but(grace_period="5 minutes"),
            [f'grace_period (line 3): "5 minutes" is not a duration: {DURATION}'],
        ),
        (
            everything_but(grace_period="500ms"),
            ['grace_period (line 3): "500ms" is too short: at least 1s'],
        ),
        (
            everything_but(log="{level: warn, format: yaml}"),
            [
                'log.level (line 3): must be one of debug, info, warning, error, not "warn"; did you '
                "mean warning?",
                'log.format (line 3): must be one of json, console, not "yaml"',
            ],
        ),
        (
            everything_but(log="{level: [debug]}"),
            ["log.level (line 3): must be one of debug, info, warning, error, not a list"],
        ),
        (everything_but(web="8080"), ["web (line 3): must be a mapping, not a number"]),
        (
            everything_but(web="{listen: 8080}"),
            ["web.listen (line 3): must be host:port, not a number: put it in quotes"],
        ),
        *(
            (
                everything_but(web=f"{{listen: '{listen}'}}"),
                [
                    f'web.listen (line 3): "{listen}" is not host:port: write for example '
                    "127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080"
                ],
            )
            for listen in (
                ":8080",
                "localhost",
                "::1:8080",
                "a:65536",
                "a:",
                "http://a:80",
                "a:80/b",
            )
        ),
    ],
)
def test_sections(refuse: Refuse, text: str, told: list[str]):
    """The top level and the small sections."""
    assert refuse(text) == told


@pytest.mark.parametrize(
    ("kafka", "told"),
    [
        ("{}", "bootstrap_servers (line 1): is missing: Brokers that are asked first"),
        (
            "{bootstrap_servers: ''}",
            "bootstrap_servers (line 1): is empty: give host:port, or leave it out",
        ),
        (
            "{bootstrap_servers: []}",
            "bootstrap_servers (line 1): must name 1 to 100 servers, not 0",
        ),
        (
            "{bootstrap_servers: kafka-1}",
            'bootstrap_servers (line 1): "kafka-1" is not host:port: write for example kafka-1:9092',
        ),
        (
            "{bootstrap_servers: 'a:9092,b:0'}",
            'bootstrap_servers (line 1): "b:0" is not host:port: write for example kafka-1:9092',
        ),
        (
            "{bootstrap_servers: 'PLAINTEXT://a:9092'}",
            'bootstrap_servers (line 1): "PLAINTEXT://a:9092" is not host:port: write for example '
            "kafka-1:9092",
        ),
        (
            "{bootstrap_servers: 'joe:hunter2@a:9092'}",
            "bootstrap_servers (line 1): this is not host:port: write for example kafka-1:9092",
        ),
        (
            "{bootstrap_servers: 9092}",
            "bootstrap_servers (line 1): must be host:port, or a list of them, not a number",
        ),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: sasl-ssl}",
            "security_protocol (line 1): must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL, not "
            '"sasl-ssl"; did you mean SASL_SSL?',
        ),
        (
            "{bootstrap_servers: 'k:9092', sasl_user: joe}",
            "sasl_user (line 1): unknown key; did you mean sasl_username?",
        ),
        (
            "{bootstrap_servers: 'k:9092', sasl_passwort: hunter2}",
            "sasl_passwort (line 1): unknown key; did you mean sasl_password_file?",
        ),
        (
            "{bootstrap_servers: 'k:9092', check_crcs: yes}",
            "check_crcs (line 1): must be true or false, not text",
        ),
        (
            "{bootstrap_servers: 'k:9092', client_id: 7}",
            "client_id (line 1): must be text, not a number: put it in quotes",
        ),
        (
            '{bootstrap_servers: "k:9092", client_id: "a\\0b"}',
            "client_id (line 1): must be text without line breaks and control characters",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', client_id: {'x' * 1001}}}",
            "client_id (line 1): is too long: text has at most 1000 characters",
        ),
        (
            "{bootstrap_servers: 'k:9092', fetch_min_bytes: 0}",
            "fetch_min_bytes (line 1): 0 is out of range: 1 to 104857600",
        ),
        (
            "{bootstrap_servers: 'k:9092', fetch_max_wait: 30s}",
            "fetch_max_wait (line 1): must be below request_timeout (30s)",
        ),
        (
            "{bootstrap_servers: 'k:9092', connections_max_idle: 30s}",
            "connections_max_idle (line 1): must be above request_timeout (30s)",
        ),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: SASL_SSL}",
            "sasl_mechanism (line 1): is missing: SASL_SSL needs it",
        ),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: SSL, sasl_mechanism: OAUTHBEARER, "
            "oauth_token_file: token}",
            "sasl_mechanism (line 1): has no effect with security_protocol SSL: set SASL_SSL or "
            "SASL_PLAINTEXT",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}PLAIN, sasl_password_file: token}}",
            "sasl_username (line 1): is missing: sasl_mechanism PLAIN needs it",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}SCRAM-SHA-256, sasl_username: joe}}",
            "sasl_password (line 1): is missing: sasl_mechanism SCRAM-SHA-256 needs it; set "
            "STREAMGAUGE_KAFKA__SASL_PASSWORD or kafka.sasl_password_file",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}OAUTHBEARER}}",
            "oauth_token_url (line 1): is missing: OAUTHBEARER needs it, or oauth_token_file",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}OAUTHBEARER, oauth_token_url: 'https://a/b', "
            "oauth_client_secret_file: token}",
            "oauth_client_id (line 1): is missing: oauth_token_url needs it",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}OAUTHBEARER, oauth_token_url: 'https://a/b', "
            "oauth_client_id: joe}",
            "oauth_client_secret (line 1): is missing: oauth_token_url needs it; set "
            "STREAMGAUGE_KAFKA__OAUTH_CLIENT_SECRET or kafka.oauth_client_secret_file",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}OAUTHBEARER, oauth_token_file: token, "
            "oauth_scope: kafka}",
            "oauth_scope (line 1): has no effect beside oauth_token_file: keep one of the two ways to "
            "get a token",
        ),
        (
            f"{{bootstrap_servers: 'k:9092', {SASL}OAUTHBEARER, oauth_token_file: token, "
            "sasl_username: joe}",
            f"sasl_username (line 1): {NO_PASSWORD}",
        ),
        (
            "{bootstrap_servers: 'k:9092', sasl_password_file: token}",
            f"sasl_password_file (line 1): {NO_PASSWORD}",
        ),
        (
            "{bootstrap_servers: 'k:9092', oauth_scope: kafka}",
            f"oauth_scope (line 1): {NO_OAUTH}",
        ),
        ("{bootstrap_servers: 'k:9092', ssl_ca_file: token}", f"ssl_ca_file (line 1): {NO_TLS}"),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: SSL, ssl_certificate_file: token}",
            "ssl_key_file (line 1): is missing: ssl_certificate_file needs it",
        ),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: SSL, ssl_key_file: token}",
            "ssl_certificate_file (line 1): is missing: ssl_key_file needs it",
        ),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: SSL, ssl_key_password_file: token}",
            "ssl_key_password_file (line 1): has no effect: there is no ssl_key_file",
        ),
        (
            "{bootstrap_servers: 'k:9092', security_protocol: SSL, ssl_ca_file: missing.pem}",
            "ssl_ca_file (line 1): cannot be read: No such file or directory",
        ),
    ],
)
def test_kafka(refuse: Refuse, tmp_path, kafka: str, told: str):
    """The `kafka` section, each setting by itself and with the others."""
    (tmp_path / "token").write_text("a")
    assert refuse(everything_but(kafka=kafka)) == [f"kafka.{told}"]


@pytest.mark.parametrize(
    ("dagster", "told"),
    [
        (
            "{}",
            "base_url (line 3): is missing: Where the Dagster webserver is found, with its path prefix if it has one",
        ),
        *(
            (
                f"{{base_url: '{url}'}}",
                "base_url (line 3): must be a full URL that begins with http:// or https://",
            )
            for url in (
                "localhost:3000",
                "//a",
                "ftp://a",
                "http://",
                "http://a:b",
                "http://[",
                "http://a b",
            )
        ),
        (
            "{base_url: 'https://joe:hunter2@a'}",
            "base_url (line 3): must hold no user and password: a URL is shown in logs",
        ),
        (
            "{base_url: 'https://a/b?token=hunter2'}",
            "base_url (line 3): must end with its path: no ? and no #",
        ),
        *(
            (
                f"{{base_url: 'https://a', headers: {{{name}: hunter2}}}}",
                f"headers (line 3): {name} holds a secret: set dagster.token_file or "
                f"STREAMGAUGE_DAGSTER__TOKEN, and dagster.token_header: {name}",
            )
            for name in (
                "Authorization",
                "proxy-authorization",
                "Cookie",
                "X-API-Key",
                "X-Auth",
                "Dagster-Cloud-Api-Token",
            )
        ),
        (
            "{base_url: 'https://a', headers: {'a b': c}}",
            "headers (line 3): must be a header name: letters, digits and - without spaces",
        ),
        (
            "{base_url: 'https://a', headers: {a: 1}}",
            "headers (line 3): the value of a must be ASCII text on one line: put it in quotes",
        ),
        (
            "{base_url: 'https://a', headers: [a]}",
            "headers (line 3): must be a mapping from header names to text, not a list",
        ),
        (
            f"{{base_url: 'https://a', headers: {{{', '.join(f'a{n}: b' for n in range(51))}}}}}",
            "headers (line 3): has more than 50 headers",
        ),
        (
            "{base_url: 'https://a', token_header: 'Bearer hunter2'}",
            "token_header (line 3): must be a header name: letters, digits and - without spaces",
        ),
        (
            "{base_url: 'https://a', report_every: 500ms}",
            'report_every (line 3): "500ms" is too short: at least 1s',
        ),
    ],
)
def test_dagster(refuse: Refuse, dagster: str, told: str):
    """The `dagster` section; nothing that could be a secret is repeated."""
    assert refuse(everything_but(dagster=dagster)) == [f"dagster.{told}"]


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        ("{}", ["topic (line 2): is missing: The topic that is watched"]),
        ("{topic: 5}", ["topic (line 2): must be a topic name, not a number: put it in quotes"]),
        ("{topic: [a]}", ["topic (line 2): must be a topic name, not a list"]),
        *(
            (
                f"{{topic: '{topic}'}}",
                [
                    f'topic (line 2): "{topic}" is not a topic name: up to 249 of the characters A-Z a-z '
                    "0-9 . _ -"
                ],
            )
            for topic in ("a b", "a/b", "..", ".")
        ),
        (
            "{topic: a, isolation_level: read-uncommitted}",
            [
                "isolation_level (line 2): must be one of read_committed, read_uncommitted, not "
                '"read-uncommitted"; did you mean read_uncommitted?'
            ],
        ),
        *(
            (
                f"{{topic: a, start_from: '{time}'}}",
                [
                    f'start_from (line 2): "{time}" is not latest, earliest or a time such as '
                    "2026-01-31T12:00:00Z"
                ],
            )
            for time in (
                "now",
                "2026-01-31",
                "2026-01-31T12:00:00",
                "2026-02-30T12:00:00Z",
                "2026-W05",
            )
        ),
        (
            "{topic: a, start_from: 1767225600}",
            [
                "start_from (line 2): must be latest, earliest or a time, not a number: put it in quotes"
            ],
        ),
        *(
            (f"{{topic: a, event_time: [{entry}]}}", [f"event_time[0] (line 2): {EVENT_TIME}"])
            for entry in ("heder", "{heder: a}", "{}", "5", "[a]", "{header: a, pointer: /b}")
        ),
        (
            "{topic: a, event_time: [{header: 5}, {pointer: a}, {first_sighting: a b}]}",
            [
                "event_time[0].header (line 2): must be a header name, not a number: put it in quotes",
                'event_time[1].pointer (line 2): "a" is not a JSON pointer: write for example /occurredAt',
                'event_time[2].first_sighting (line 2): "a b" is no name for a stream: up to 100 letters '
                "and digits, with single . _ - between them",
            ],
        ),
        ("{topic: a, event_time: []}", ["event_time (line 2): is empty: give at least 1"]),
        ("{topic: a, event_time: record}", ["event_time (line 2): must be a list, not text"]),
        (
            "{topic: a, event_time: [record, {header: a}]}",
            ["event_time[0] (line 2): record must be the last entry: every record has a timestamp"],
        ),
        (
            "{topic: a, event_time: [{header: a}, {header: a}, record]}",
            ["event_time[1] (line 2): stands in the list already: remove it"],
        ),
        (
            "{topic: a, event_time: [{first_sighting: orders}]}",
            [
                "event_time[0].first_sighting (line 2): names its own stream: name the one that sees the "
                "event first"
            ],
        ),
        (
            "{topic: a, event_time: [{first_sighting: cart}]}, carts: {topic: carts}",
            [
                "event_time[0].first_sighting (line 2): there is no stream called cart; did you mean "
                "carts?"
            ],
        ),
        (
            "{topic: a, event_time: [{first_sighting: elsewhere}]}",
            ["event_time[0].first_sighting (line 2): there is no stream called elsewhere"],
        ),
        ("{topic: a, groups: fulfillment}", ["groups (line 2): must be a list, not text"]),
        ("{topic: a, groups: ['']}", ["groups[0] (line 2): is empty: give text, or leave it out"]),
        (
            "{topic: a, groups: [b, b]}",
            ["groups[1] (line 2): stands in the list already: remove it"],
        ),
        (
            "{topic: a, groups: [b-c, b_c]}",
            [
                'groups[1] (line 2): "b_c" and "b-c" would give their checks the same name: give one of '
                "them its own stream"
            ],
        ),
        (
            f"{{topic: a, groups: [{', '.join(f'g{n}' for n in range(101))}]}}",
            ["groups (line 2): has more than 100 entries"],
        ),
        (
            "{topic: a, dead_letters: [{topic: a}]}",
            [
                "dead_letters[0].topic (line 2): is the topic of the stream itself: dead letters go to "
                "another"
            ],
        ),
        (
            "{topic: a, dead_letters: [{topic: b}, {topic: b, asset_key: [c]}]}",
            ["dead_letters[1].topic (line 2): stands in the list already: remove it"],
        ),
        (
            "{topic: a, dead_letters: [b]}",
            ["dead_letters[0] (line 2): must be a mapping, not text"],
        ),
        (
            "{topic: a, dead_letters: [{}]}",
            ["dead_letters[0].topic (line 2): is missing: The dead letter topic"],
        ),
        *(
            (
                f"{{topic: a, window: {window}}}",
                [f"window (line 2): {shown} does not divide a day evenly: {WINDOWS}"],
            )
            for window, shown in (("7m", '"7m"'), ("1500ms", '"1500ms"'), ("11", "11"))
        ),
        ("{topic: a, window: 2h}", ['window (line 2): "2h" is too long: at most 1h']),
        (
            "{topic: a, asset_key: kafka}",
            ["asset_key (line 2): must be a list of names such as [kafka, orders_placed]"],
        ),
        (
            "{topic: a, asset_key: []}",
            ["asset_key (line 2): must be a list of names such as [kafka, orders_placed]"],
        ),
        (
            "{topic: a, asset_key: [kafka, 7]}",
            ["asset_key (line 2): must be a list of names, not a number: put it in quotes"],
        ),
        (
            "{topic: a, asset_key: [kafka, '']}",
            ["asset_key (line 2): is empty: give a list of names, or leave it out"],
        ),
        (
            "{topic: a, checks: {lagg: {}}}",
            ["checks.lagg (line 2): unknown key; did you mean lag?"],
        ),
        (
            "{topic: a, checks: {lag: {}}}",
            ["checks.lag (line 2): has nothing to judge: the stream has no groups"],
        ),
        (
            "{topic: a, checks: {no_dead_letters: {}}}",
            [
                "checks.no_dead_letters (line 2): has nothing to judge: the stream has no dead_letters"
            ],
        ),
        (
            "{topic: a, checks: {fresh: {warn: {above: soon, for: true, below: 5}}}}",
            [
                f"checks.fresh.warn.for (line 2): must be a duration, not true or false: {DURATION}",
                f'checks.fresh.warn.above (line 2): "soon" is not a duration: {DURATION}',
                "checks.fresh.warn.below (line 2): unknown key; known here: for, above",
            ],
        ),
        (
            "{topic: a, groups: [g], checks: {lag: {warn: {above: 5m}, fail: {above: .nan}}}}",
            [
                "checks.lag.warn.above (line 2): must be a number, not text",
                "checks.lag.fail.above (line 2): nan is out of range: 0 to 1000000000000000",
            ],
        ),
        (
            "{topic: a, checks: {throughput: {warn: {for: 5m}, on_no_data: ignore, enabled: on}}}",
            [
                "checks.throughput.warn.below (line 2): is missing: Breached by fewer records per second "
                "than this",
                "checks.throughput.on_no_data (line 2): must be one of pass, unknown, warn, fail, not "
                '"ignore"',
                "checks.throughput.enabled (line 2): must be true or false, not text",
            ],
        ),
    ],
)
def test_streams(refuse: Refuse, stream: str, told: list[str]):
    """The settings of a stream, each by itself and with the others."""
    text = everything_but(streams=f"{{orders: {stream}}}")
    assert refuse(text) == [f"streams.orders.{problem}" for problem in told]


@pytest.mark.parametrize(
    ("streams", "told"),
    [
        ("{}", ["streams (line 2): is empty: give at least 1"]),
        ("[a]", ["streams (line 2): must be a mapping, not a list"]),
        ("{orders: a}", ["streams.orders (line 2): must be a mapping, not text"]),
        (
            "{orders: }",
            [
                "streams.orders (line 2): has no value: give it one ({} is an empty section), or remove it"
            ],
        ),
        (
            "{a b: {topic: a}, c__d: {topic: b}}",
            [
                'streams."a b" (line 2): "a b" is no name for a stream: up to 100 letters and digits, '
                "with single . _ - between them",
                'streams.c__d (line 2): "c__d" is no name for a stream: up to 100 letters and digits, '
                "with single . _ - between them",
            ],
        ),
        (
            "{a: {topic: t}, b: {topic: t}, c: {topic: d, dead_letters: [{topic: t}]}}",
            [
                "streams.b.asset_key (line 2): is the same as that of streams.a: give one of the two "
                "another",
                "streams.c.dead_letters[0].asset_key (line 2): is the same as that of streams.a: give "
                "one of the two another",
            ],
        ),
        (
            "{a: {topic: x.y}, b: {topic: x-y}}",
            [
                "streams.b.asset_key (line 2): is the same as that of streams.a: give one of the two "
                "another"
            ],
        ),
    ],
)
def test_among_streams(refuse: Refuse, streams: str, told: list[str]):
    """Streams as a whole, and what must not be the same in two of them."""
    assert refuse(everything_but(streams=streams)) == told


def test_all_at_once(refuse: Refuse):
    """Problems of all kinds are told together, in the order of the file, then of the variables."""
    text = """\
kafka:
  bootstrap_servers: kafka
  sasl_password: hunter2
  client_id:
otlp: {series: 5}
streams:
  orders:
    topic: a
    topic: b
    dead_letters: [{topic: a}]
  carts:
    topic: a b
    groups:
      - x
      - 5
"""
    environ = {
        "STREAMGAUGE_STREAMS__ORDERS__WINDOW": "7m",
        "STREAMGAUGE_KAFKA__CLIENTID": "x",
        "STREAMGAUGE_GRACE_PERIOD": "no setting of ours",
    }
    assert refuse(text, environ) == [
        'kafka.bootstrap_servers (line 2): "kafka" is not host:port: write for example kafka-1:9092',
        "kafka.sasl_password (line 3): must not stand in the file: set STREAMGAUGE_KAFKA__SASL_PASSWORD "
        "or kafka.sasl_password_file",
        "kafka.client_id (line 4): has no value: give it one ({} is an empty section), or remove it",
        "otlp.series (line 5): unknown key; did you mean series_max?",
        "streams.orders.topic (line 9): stands on line 8 already: keep one of the two",
        'streams.carts.topic (line 12): "a b" is not a topic name: up to 249 of the characters A-Z a-z '
        "0-9 . _ -",
        "streams.carts.groups[1] (line 15): must be text, not a number: put it in quotes",
        'streams.orders.window (STREAMGAUGE_STREAMS__ORDERS__WINDOW): "7m" does not divide a day '
        f"evenly: {WINDOWS}",
        "STREAMGAUGE_KAFKA__CLIENTID: is no setting of streamgauge; did you mean "
        "STREAMGAUGE_KAFKA__CLIENT_ID?",
    ]


def test_not_without_end(refuse: Refuse):
    """Of very many problems the first hundred are told, and how many there are beside."""
    told = refuse(everything_but(**{f"key{n}": "1" for n in range(150)}))
    assert len(told) == 101
    assert told[-1] == "and 50 more"
