"""Dead letters as frameworks write them, with a secret of its own in every place that holds data.

What a place holds tells where a leak came from. A message holds secrets in the ways in which
messages do: in quotes, after an equals sign, as a number, as JSON. A word that is no secret stands
before them, and the class and the group are names: these are told, or nothing was looked at.
"""

from __future__ import annotations

import json
import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from .outgoing import Secret

CORPORA = Path(__file__).parents[1] / "data" / "dead-letters"
CONTROL = "Control7f3a"
"""In the class of every error, and in the consumer group."""
GROUP = f"{CONTROL}-billing"
WORD = "brontosaurus"
"""In every message."""
_VOWELS, _CONSONANTS = "aeiou", "bdfgklmnprstvwxz"
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_WRAPPERS = (
    "kafka_dlt-exception-fqcn",
    "kafka_exception-fqcn",
    "kafka_dlt-key-exception-fqcn",
    "x-exception-fqcn",
)
_CLASSES = (
    *("exception-cause-fqcn", "exception.class.name", "exception-class-name"),
    *("cause-class-name", "streams.errors.exception", "x-own-class"),
)
_MESSAGES = ("exception-message", "exception.message", "errors.message", "-reason", "-cause",
             "x-own-message")  # fmt: skip
_GROUPS = ("consumer-group", "errors.group", "x-own-group")
_KEPT = ("__connect.", "__streams.", "__dlq.", "_dlq.", "kafka_", "retry_topic-", "x-original-",
         "x-own-", "dead-letter-", "delayed-retry-", "deserialization-failure-",
         "original_")  # fmt: skip
"""Other headers of dialects are addresses, times and names: they stay as they are."""


class Template(NamedTuple):
    """A message; each `{n}` is a secret of its own, of these shapes."""

    text: str
    shapes: tuple[str, ...]


def _t(text, *shapes):
    return Template(text, shapes)


USUAL = (
    _t("login refused, password={0}", "password"),
    _t("jdbc:postgresql://app:{0}@db.example/shop cannot be reached", "password"),
    _t("token {0} has expired", "jwt"),
    _t("card {0} was declined", "card"),
    _t("card {0} was declined", "digits"),
    _t("no account of {0} was found", "email"),
    _t("the key sk_live_{0} is not known", "opaque"),
    _t("session {0} is over", "opaque"),
    _t('"{0}" is no number', "sentence"),
    _t("Duplicate entry '{0}' for key 'users.name'", "sentence"),
    _t("order {0} does not exist", "uuid"),
    _t("duplicate key value violates unique constraint users_pkey Detail: Key (name)=({0}) "
       "already exists.", "sentence"),
    _t("could not execute INSERT INTO users VALUES ('{0}', '{1}')", "sentence", "email"),
    _t('Cannot deserialize value of type `int` from String "{0}": not a valid value\n'
       ' at [Source: (String)"{{"pin":"{1}"}}"; line: 1, column: 9]', "sentence", "password"),
    _t("failed with GenericMessage [payload={0}, headers={{id={1}}}]", "sentence", "uuid"),
    _t('not after the schema: {{"name": "{0}", "note": "{1}"}}', "sentence", "unicode"),
    _t("cannot be converted, value: {0}", "sentence"),
    _t("401 for Authorization: Bearer {0}", "opaque"),
)  # fmt: skip
"""As drivers, clients and mappers write them; not more than a dead letter topic has causes."""

ODD = (
    _t('unexpected end of input at "{0}', "sentence"),
    _t("can't parse '{0}' as it isn't JSON", "sentence"),
    _t('he said "{0} \\"{1}\\" and then {2}"', "sentence", "sentence", "sentence"),
    _t('first line\n"{0}"\n{{"a": "{1}"}}', "sentence", "password"),
    _t('unexpected end: {{"name": "{0}', "sentence"),
    _t('not among ["{0}", "{1}"]', "sentence", "sentence"),
    _t("“{0}” and \u2018{1}\u2019 and «{2}»", "sentence", "sentence", "sentence"),
    _t("Unrecognized token '{0}': was expecting", "sentence"),
    _t("wrapped\nCaused by: '{0}'", "sentence"),
    _t(" ".join(["many words"] * 17) + ' "{0}"', "sentence"),
    _t("<name>{0}</name> is not allowed", "sentence"),
    _t("rejected Order(name={0}, note={1})", "sentence", "unicode"),
    _t("rejected Order[name={0}, note={1}]", "sentence", "sentence"),
    _t("GET https://shop.example/login?token={0}&name={1} failed", "password", "password"),
    _t("{{'name': '{0}', 'pin': '{1}'}} is wrong", "sentence", "password"),
    _t("b'{0}' is not UTF-8", "sentence"),
    _t("PASSWORD: {0}", "password"),
    _t("password={0}", "punctuated"),
    _t("name={0}", "punctuated"),
    _t("pwd {0} refused; secret={1}; api_key: {2}", "password", "opaque", "opaque"),
    _t("Authorization: Basic {0}", "base64"),
    _t("{0} {0}", "jwt"),
    _t("mailto:{0},{1}", "email", "email"),
    _t("'{0}", "sentence"),
    _t("`{0}` and `{1}`", "sentence", "sentence"),
    _t("value=[{0}], key=[{1}]", "sentence", "opaque"),
    _t("ConsumerRecord(topic = orders, partition = 1, key = {0}, value = {1})", "sentence",
       "sentence"),
)  # fmt: skip
"""Cut, nested and mixed, as they come too."""


@dataclass(frozen=True)
class Planted:
    """A record, what is in it, and whose dead letter it would be."""

    dialect: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    secrets: list[Secret]
    told: str
    """The class of its error, without its package; empty where it cannot be read."""

    def as_line(self, topic):
        """As a line that `streamgauge explain` reads."""
        base64 = [(name, _base64(value)) for name, value in self.headers]
        fields = {"topic": topic, "partition": 0, "offset": 1, "headers": base64,
                  "timestamp": 1_795_217_374_667, "timestamp_type": "CreateTime",
                  "key_b64": _base64(self.key), "value_b64": _base64(self.value)}  # fmt: skip
        return json.dumps(fields)


class Planter:
    """Makes secrets, each after the place it is for, and keeps them."""

    def __init__(self, where):
        self.where = where
        self.secrets = []

    def plant(self, place, shape):
        """A new secret as it is written there."""
        seed = sha256(f"{self.where}|{place}|{shape}|{len(self.secrets)}".encode()).digest()
        written, part, fragment = _SHAPES[shape](seed)
        self.secrets.append(Secret(part, f"{self.where}: {place} ({shape})", fragment))
        return written

    def message(self, place, template):
        """A message with secrets after its template."""
        parts = [self.plant(place, shape) for shape in template.shapes]
        return f"{WORD}: {template.text.format(*parts)}"


def planted(templates, topic):
    """Records of every dialect, one for each template or corpus record, whichever are more.

    Args:
        templates: of the messages.
        topic: where the records say they come from.
    """
    for dialect, rows in _rows().items():
        for number in range(max(len(rows), len(templates))):
            template = templates[number % len(templates)]
            yield _plant(dialect, number, rows[number % len(rows)], template, topic)


def stream_record(number):
    """Value, key, headers and secrets of a record of the stream itself."""
    planter = Planter(f"stream record {number}")
    value = json.dumps({
        "occurredAt": planter.plant("event time in the value", "sentence"),
        "name": planter.plant("value", "unicode"),
        "card": planter.plant("value", "digits"),
    })  # fmt: skip
    key = planter.plant("key", ("email", "uuid", "opaque", "digits")[number % 4])
    headers = [
        ("event-time", planter.plant("header event-time", "sentence").encode()),
        ("traceparent", f"00-{planter.plant('traceparent', 'sentence')}".encode()),
        ("tracestate", planter.plant("tracestate", "sentence").encode()),
        ("b3", planter.plant("b3", "opaque").encode()),
        *_event_headers(planter),
    ]
    if number % 2:
        headers.append(("traceparent", _traceparent(number)))
    return value.encode(), key.encode(), headers, planter.secrets


def _rows():
    """Headers and value of the frameworks' records by dialect, and of those that have no corpus."""
    rows = {}
    for path in sorted(CORPORA.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            headers = [(name, value and b64decode(value)) for name, value in record["headers"]]
            value = record["value_b64"] and b64decode(record["value_b64"])
            rows.setdefault(_dialect(path.stem, headers), []).append((headers, value))
    rows["share-group"] = [(_SHARE_GROUP, b"{}"), ([(n[1:], v) for n, v in _SHARE_GROUP], b"{}")]
    rows["configured"] = [(_OWN, b"{}")]
    rows["unclassified"] = [([("x-why", b"why")], b"{}"), ([], None)]
    return rows


_SHARE_GROUP = [
    ("__dlq.errors.topic", b"orders"), ("__dlq.errors.partition", b"0"),
    ("__dlq.errors.offset", b"7"), ("__dlq.errors.group", b"group"),
    ("__dlq.errors.delivery.count", b"5"), ("__dlq.errors.message", b"why"),
]  # fmt: skip
_OWN = [
    ("x-own-topic", b"orders"), ("x-own-partition", b"0"), ("x-own-offset", b"7"),
    ("x-own-group", b"group"), ("x-own-class", b"class"), ("x-own-message", b"why"),
    ("x-own-stacktrace", b"why"),
]  # fmt: skip
OWN_HEADERS = {
    "original_topic": "x-own-topic", "original_partition": "x-own-partition",
    "original_offset": "x-own-offset", "consumer_group": "x-own-group",
    "error_class": "x-own-class", "message": "x-own-message", "stacktrace": "x-own-stacktrace",
}  # fmt: skip
"""The configuration of the dead letter topic whose records are `configured`."""
NAMELESS = {"arroyo", "unclassified", "share-group"}
"""Dialects that name no class."""


def _dialect(corpus, headers):
    names = {name for name, _ in headers}
    if corpus.startswith("spring-kafka"):
        return "spring-retry" if any(n.startswith("retry_topic-") for n in names) else "spring"
    if corpus == "kafka-connect":
        told = any(name.startswith("__connect.") for name in names)
        return "connect" if told else "unclassified-connect"
    return {"kafka-streams": "streams"}.get(corpus, corpus)


def _plant(dialect, number, row, template, topic):
    planter = Planter(f"{dialect} {number}")
    corpus_headers, corpus_value = row
    simple = f"{CONTROL}{dialect.title().replace('-', '')}{number}Exception"
    error_class = f"com.shop.{simple}"
    headers = []
    for name, value in corpus_headers:
        headers.append((name, _header(planter, template, error_class, topic, name, value)))
    headers += [("traceparent", _traceparent(number)), *_event_headers(planter)]
    told = "" if dialect.startswith("unclassified") or dialect in NAMELESS else simple
    if dialect == "json-envelope":
        value = _envelope(planter, template, error_class, topic, corpus_value)
    elif corpus_value is None:
        value = None
    else:
        value = f'{{"name": "{planter.plant("value", "sentence")}"}}'.encode()
    key = planter.plant("key", ("email", "uuid", "opaque", "sentence")[number % 4]).encode()
    return Planted(dialect, key, value, headers, planter.secrets, told)


def _header(planter, template, error_class, topic, name, value):
    """What stands in a header instead; addresses, times and names of dialects stay."""
    lower = name.lower()
    if lower.startswith("springdeserializerexception"):
        inner = planter.plant(name, "opaque").encode()
        planted = b"\xac\xed\x00\x05t" + struct.pack(">H", len(inner)) + inner
    elif lower.endswith("-data"):
        planted = planter.plant(name, "sentence").encode()
    elif lower.endswith("stacktrace"):
        planted = _stacktrace(planter, template, error_class, name).encode()
    elif lower.endswith(_CLASSES) and lower not in _WRAPPERS:
        planted = error_class.encode()
    elif lower.endswith(_MESSAGES):
        before = (value or b"").rpartition(b"; ")
        planted = b"".join(before[:2]) + planter.message(name, template).encode()
    elif lower.endswith(_GROUPS):
        planted = GROUP.encode()
    elif not lower.startswith(_KEPT):
        planted = planter.plant(f"header {name}", "opaque").encode()
    elif lower.endswith("topic") and value is not None:
        planted = topic.encode()
    else:
        planted = value
    return planted


def _stacktrace(planter, template, error_class, name):
    def say(place):
        return planter.message(f"{name}, {place}", template)

    line = planter.plant(f"{name}, frame", "digits")
    payload = planter.plant(f"{name}, payload", "sentence")
    return (
        f"org.springframework.messaging.MessagingException: {say('first line')}\n"
        f"\tat com.shop.Listener.handle(Listener.java:{line})"
        f", failedMessage=GenericMessage [payload={payload}]\n"
        f"\tSuppressed: com.shop.OtherException: {say('suppressed')}\n\t\tat com.shop.A.b(A.java)\n"
        f"Caused by: {error_class}: {say('cause')}\n\tat com.shop.A.b(A.java:1)\n\t... 9 more\n"
    )


def _envelope(planter, template, error_class, topic, value):
    envelope = json.loads(value.decode("utf-8-sig"))
    event = {"name": planter.plant("originalEvent", "sentence")}
    for name in envelope:
        if name != "failureMetadata":
            escaped = isinstance(envelope[name], str)
            envelope[name] = json.dumps(event) if escaped else event
    metadata = envelope["failureMetadata"]
    if isinstance(metadata, dict):
        metadata["lastError"] = f"{error_class}: {planter.message('lastError', template)}"
        metadata["consumerGroup"] = GROUP
        metadata["originalTopic"] = topic
        metadata["secretNote"] = planter.plant("failureMetadata", "sentence")
    return json.dumps(envelope).encode()


def _event_headers(planter):
    return [
        ("authorization", f"Bearer {planter.plant('header authorization', 'jwt')}".encode()),
        ("baggage", f"user={planter.plant('header baggage', 'email')}".encode()),
        ("X-Customer", planter.plant("header X-Customer", "unicode").encode()),
        ("request-id", planter.plant("header request-id", "uuid").encode()),
        (planter.plant("the name of a header", "password"), b"1"),
    ]


def _traceparent(number):
    return f"00-{number + 1:032x}-00f067aa0ba902b7-01".encode()


def _base64(data):
    return None if data is None else b64encode(data).decode()


def _letters(seed, count):
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in seed[:count])


def _digits(seed, count):
    return f"{int.from_bytes(seed[:16], 'big') % 10**count:0{count}}"


def _words(seed):
    """Words of no language, such as `zekoruwi matafobu`."""
    pairs = zip(seed[:16:2], seed[1:16:2], strict=True)
    syllables = [_CONSONANTS[a % 16] + _VOWELS[b % 5] for a, b in pairs]
    return "".join(syllables[:4]) + " " + "".join(syllables[4:])


def _plainly(text, fragment=8):
    return text, text, fragment


def _jwt(seed):
    part = f"{_letters(seed, 14)}.{_letters(seed[14:], 18)}"
    return f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIi{part}", part, 8


def _email(seed):
    return f"{_letters(seed, 9)}@shop.example", f"{_letters(seed, 9)}@", 8


def _uuid(seed):
    digits = seed.hex()[:32]
    return _plainly("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def _card(seed):
    digits = _digits(seed, 16)
    return _plainly("-".join(digits[at : at + 4] for at in (0, 4, 8, 12)))


_SHAPES = {
    "password": lambda seed: _plainly(_letters(seed, 10) + "!" + _letters(seed[20:], 3)),
    "punctuated": lambda seed: _plainly(_words(seed).replace(" ", ",")),
    "opaque": lambda seed: _plainly(_letters(seed, 25)),
    "sentence": lambda seed: _plainly(_words(seed)),
    "unicode": lambda seed: _plainly(f"{_words(seed)} Müşe€"),
    "digits": lambda seed: _plainly(_digits(seed, 16), 12),  # times have many digits too
    "card": _card,
    "email": _email,
    "uuid": _uuid,
    "jwt": _jwt,
    "base64": lambda seed: (b64encode(f"user:{_words(seed)}".encode()).decode(), _words(seed), 8),
}
"""By name what gives, from 32 bytes, how it is written, what of it is looked for, and the shortest
fragment that counts."""
