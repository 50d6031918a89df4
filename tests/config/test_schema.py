"""The JSON schema says what the loader says, and the reference says what the model says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from streamgauge.config import ConfigError, json_schema, load, markdown
from streamgauge.config.document import parse
from streamgauge.config.environment import variable_name
from streamgauge.config.schema import described
from streamgauge.config.settings import Config

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "streamgauge.example.yaml"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """Judges a document by the schema."""
    return Draft202012Validator(json_schema())


def test_schema_is_valid():
    """It is a schema of the draft that it names."""
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_schema_closes_every_section():
    """No section allows unknown keys, and every setting is described."""
    schema = json_schema()
    for name, section in {"": schema, **schema["$defs"]}.items():
        assert section["additionalProperties"] is False, name
        for key, setting in section["properties"].items():
            assert setting["description"], f"{name}.{key}"


def test_schema_has_no_secrets():
    """What may not stand in the file is not in its schema."""
    schema = json_schema()
    hidden = {
        key
        for name, section in described()["$defs"].items()
        for key in section["properties"].keys() - schema["$defs"][name]["properties"].keys()
    }
    of_kafka = {"sasl_password", "oauth_client_secret", "ssl_key_password"}
    assert hidden == of_kafka | {"token", "password"}


def test_schema_defaults_are_valid(validator: Draft202012Validator):
    """Each default is what could be written in its place."""
    schema = json_schema()
    told = []
    for name, section in {"": schema, **schema["$defs"]}.items():
        for key, setting in section["properties"].items():
            if "default" in setting:
                told.append((name, key))
                inner = validator.evolve(schema={**setting, "$defs": schema["$defs"]})
                assert not list(inner.iter_errors(setting["default"])), (name, key)
    assert ("Kafka", "poll_interval") in told
    assert len(told) > 20


@pytest.mark.parametrize(
    ("stream", "valid"),
    [
        ("", True),
        ("window: 1m", True),
        ("window: 30", True),
        ("window: soon", False),
        ("window: ''", False),
        ("window: 0", False),
        ("window: 3601", False),
        ("start_from: 2026-01-31T12:00:00Z", True),
        ("start_from: yesterday", False),
        ("isolation_level: read_uncommitted", True),
        ("isolation_level: none", False),
        ("event_time: [{header: a}, {pointer: /b}, record]", True),
        ("event_time: [{header: a, pointer: /b}]", False),
        ("event_time: [recrod]", False),
        ("event_time: []", False),
        ("groups: [a, 'b-*']", True),
        ("groups: [5]", False),
        ("groups: ['']", False),
        ("asset_key: [a, b]", True),
        ("asset_key: []", False),
        ("asset_key: a", False),
        ("dead_letters: [{topic: b, asset_key: [c]}]", True),
        ("dead_letters: [{}]", False),
        ("dead_letters: [{topic: b, source_topics: [c], consumer_group: g, retries: true}]", True),
        ("dead_letters: [{topic: b, headers: {error_class: x, stacktrace: y}}]", True),
        ("dead_letters: [{topic: b, headers: {error: x}}]", False),
        ("dead_letters: [{topic: b, requeue_headers: []}]", True),
        ("dead_letters: [{topic: b, requeue_headers: again}]", False),
        ("dead_letters: [{topic: 'b*'}]", False),
        ("dead_letters: [{topic: b}], checks: {dead_letter_share: {warn: {above: 0.5%}}}", True),
        ("dead_letters: [{topic: b}], checks: {dead_letter_share: {warn: {above: 250%}}}", True),
        ("dead_letters: [{topic: b}], checks: {dead_letter_share: {warn: {above: 0.01}}}", True),
        ("dead_letters: [{topic: b}], checks: {dead_letter_share: {warn: {above: '1'}}}", False),
        ("dead_letters: [{topic: b}], checks: {dead_letter_share: {warn: {above: 1 %}}}", False),
        ("dead_letters: [{topic: b}], checks: {dead_letter_share: {warn: {above: 5}}}", False),
        ("dead_letters: [{topic: b}], checks: {no_new_cause: {warn: {above: 1}}}", True),
        ("topics: b", False),
        ("checks: {lag: {warn: {above: 5, for: 1m}, keep_failing_for: 5, enabled: true}}", True),
        ("checks: {fresh: {fail: {above: 5m}, on_no_data: warn}}", True),
        ("checks: {throughput: {fail: {below: 0.5}}}", True),
        ("checks: {lag: {warn: {above: 5m}}}", False),
        ("checks: {lag: {warn: {below: 5}}}", False),
        ("checks: {throughput: {fail: {for: 5m}}}", False),
        ("checks: {lag: {enabled: yes}}", False),
        ("checks: {lag: {warm: {above: 5}}}", False),
        ("checks: {lag: }", False),
    ],
)
def test_schema_agrees_with_the_loader(
    validator: Draft202012Validator, tmp_path: Path, stream: str, *, valid: bool
):
    """What an editor accepts here the loader accepts, and what it refuses the loader refuses."""
    first = "" if stream.startswith("groups") else ", groups: [g]"
    text = f"kafka: {{bootstrap_servers: 'k:1'}}\nstreams: {{a: {{topic: a{first}, {stream}}}}}\n"
    path = tmp_path / "streamgauge.yaml"
    path.write_text(text)
    assert validator.is_valid(parse(text).value) == valid
    if valid:
        load(path, {})
    else:
        with pytest.raises(ConfigError):
            load(path, {})


def test_example(validator: Draft202012Validator, tmp_path: Path):
    """The example loads and is valid as it stands and with its comments taken as settings."""
    text = EXAMPLE.read_text()
    assert len(text.splitlines()) <= 50
    validator.validate(parse(text).value)
    assert load(EXAMPLE, {}).streams["orders"].asset_key == ("kafka", "orders_placed")
    (tmp_path / "kafka").write_text("secret")
    secured = text.replace("  # s", "  s").replace("/run/secrets", str(tmp_path))
    path = tmp_path / "streamgauge.yaml"
    path.write_text(secured)
    validator.validate(parse(secured).value)
    assert load(path, {}).kafka.security_protocol == "SASL_SSL"


def test_example_reads_the_same_by_yaml_1_1():
    """Other tools, which read YAML 1.1, see the same in the example."""
    text = EXAMPLE.read_text()
    assert yaml.safe_load(text) == parse(text).value


def test_reference_is_up_to_date():
    """docs/configuration.md is what `streamgauge schema --format markdown` writes."""
    assert (DOCS / "configuration.md").read_text() == markdown()


def test_reference_names_every_setting():
    """Each setting has a row, and secrets are told with their variables."""
    text = markdown()
    for section in Config.model_json_schema()["$defs"].values():
        for key in section["properties"]:
            assert f"\n| `{key}` |" in text
    for path in (("kafka", "sasl_password"), ("dagster", "token")):
        assert f"| `{path[1]}` | only as `{variable_name(path)}` |" in text


def test_reference_links_lead_somewhere():
    """Each link within the reference names one of its headings, as GitHub spells them."""
    headings = [line[3:] for line in markdown().splitlines() if line.startswith("## ")]
    anchors = {
        "".join(c for c in heading.lower() if c.isalnum() or c in "_- ").replace(" ", "-")
        for heading in headings
    }
    links = {part.split(")")[0] for part in markdown().split("](#")[1:]}
    assert links
    assert links <= anchors
