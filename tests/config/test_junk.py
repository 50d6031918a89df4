"""Whatever a file or the environment holds, it is a configuration or a ConfigError."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgauge.config import ConfigError, load
from streamgauge.config.event_time import FirstSightingTime, HeaderTime, PointerTime
from streamgauge.config.schema import described

if TYPE_CHECKING:
    from pathlib import Path

SLOW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(SLOW, max_examples=60)
BASE = "kafka: {bootstrap_servers: 'k:9092'}\nstreams: {a: {topic: a}}\n"

SECTIONS = described()["$defs"]
KEYS = sorted({key for section in SECTIONS.values() for key in section["properties"]})
WORDS = [
    "",
    "record",
    "latest",
    "PLAIN",
    "SASL_SSL",
    "OAUTHBEARER",
    "5m",
    "k:9092",
    "http://a",
    "/a",
    "a",
    "b*",
]
TOP = ["kafka", "streams", "dagster", "otlp", "web", "log", "grace_period"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(WORDS)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)
documents = st.dictionaries(st.sampled_from(TOP) | st.text(max_size=3), values, max_size=7)
yaml_like = st.lists(
    st.sampled_from(
        [*"{}[]:-,#&*!|>'\"%@`?~<= \n\t\r\0\ufeff", "a", "kafka", ": ", "- ", "\n  ", "&a ", "*a"]
    ),
    max_size=30,
).map("".join)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the examples take turns to write."""
    return tmp_path_factory.mktemp("junk") / "streamgauge.yaml"


def loads(file: Path, content: bytes, environ: dict[str, str]) -> None:
    """Loads the content; a refusal must be told in plain lines."""
    file.write_bytes(content)
    problems: tuple[str, ...] = ()
    try:
        load(file, environ)
    except ConfigError as error:
        problems = error.problems or ("nothing is told",)
    for problem in problems:
        assert "\n" not in problem
        assert "pydantic" not in problem
        assert "nothing is told" not in problem
        assert ": cannot be" not in problem.replace(": cannot be read", "")
        problem.encode()


@SLOW
@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_binary_junk(file: Path, content: bytes):
    """Bytes and texts of any kind."""
    loads(file, content, {})


@SLOW
@given(text=yaml_like)
def test_yaml_junk(file: Path, text: str):
    """Texts of what YAML finds meaning in."""
    loads(file, text.encode(), {})
    loads(file, (BASE + text).encode(), {})


@SLOW
@given(document=documents)
def test_structured_junk(file: Path, document: dict[str, object]):
    """Known keys with values of any kind, at any depth."""
    loads(file, yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass"), {})


@FEW
@given(stream=st.dictionaries(st.sampled_from(KEYS), values, max_size=6))
def test_streams_of_junk(file: Path, stream: dict[str, object]):
    """A stream of known keys with values of any kind."""
    document = {"kafka": {"bootstrap_servers": "k:1"}, "streams": {"a": {"topic": "a", **stream}}}
    loads(file, yaml.safe_dump(document).encode(), {})


@FEW
@given(
    environ=st.dictionaries(
        st.text("ABKSTREAM_", max_size=20).map(lambda name: f"STREAMGAUGE_{name}")
        | st.tuples(st.sampled_from(TOP), st.sampled_from(KEYS)).map(
            lambda names: f"STREAMGAUGE_{'__'.join(names)}".upper()
        )
        | st.sampled_from(KEYS).map(lambda key: f"STREAMGAUGE_STREAMS__A__{key}".upper()),
        st.text(max_size=10) | st.sampled_from(WORDS) | yaml_like,
        max_size=5,
    )
)
def test_environments_of_junk(file: Path, environ: dict[str, str]):
    """Names and values of any kind, beside a file that is right."""
    loads(file, BASE.encode(), environ)


KINDS = [-1.5, True, "", "a\nb", [], ["a", 5], {}, {"a": {"b": "c"}}]


def test_every_setting_with_every_kind_of_value(file: Path):
    """No setting, whatever stands in its place, is told of in other words than ours."""
    written = 0
    for name, section in SECTIONS.items():
        for key in section["properties"]:
            for value in KINDS:
                document = _holding(name, {**_least(name), key: value})
                loads(file, yaml.safe_dump(document).encode(), {})
                written += 1
    assert written > 700


def _least(section: str) -> dict[str, object]:
    """What the section cannot do without."""
    if section in {HeaderTime.__name__, PointerTime.__name__, FirstSightingTime.__name__}:
        return {}
    needed = SECTIONS[section].get("required", ())
    right = {"bootstrap_servers": "k:1", "base_url": "http://a", "topic": "b", "below": 1}
    return {key: right[key] for key in needed}


def _holding(name: str, section: dict[str, object]) -> dict[str, object]:
    """A configuration that is right but for the section of that name."""
    document: dict[str, object] = {"kafka": {"bootstrap_servers": "k:1"}}
    stream: dict[str, object] = {"topic": "a", "groups": ["g"], "dead_letters": [{"topic": "d"}]}
    if name.lower() in TOP:
        return {**document, "streams": {"a": stream}, name.lower(): section}
    if name == "Stream":
        stream = section
    elif name == "DeadLetters":
        stream["dead_letters"] = [section]
    elif name == "HeaderNames":
        stream["dead_letters"] = [{"topic": "b", "headers": section}]
    elif name.endswith("Time"):
        stream["event_time"] = [section]
    elif name == "Checks":
        stream["checks"] = section
    else:
        check = {
            "AgeLimit": "fresh",
            "CountLimit": "lag",
            "RateLimit": "throughput",
            "ShareLimit": "dead_letter_share",
            "StatusLimit": "group_status",
            "TimeLimit": "forecast",
        }
        limit = name.removeprefix("Check_").removesuffix("_")
        inner = section if name.startswith("Check_") else {"warn": section}
        stream["checks"] = {check[limit]: inner}
    return {**document, "streams": {"a": stream}}
