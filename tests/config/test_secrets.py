"""Secrets come from variables or files, never from the YAML, and are never shown."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING

import pytest

from streamgauge.config import ConfigError
from streamgauge.config.credentials import LONGEST_SECRET

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure, Refuse

SECRET = "hunter2-is-not-to-be-seen"
STREAMS = "streams: {a: {topic: a}}\n"
SASL = "bootstrap_servers: 'k:1', security_protocol: SASL_SSL, sasl_mechanism: "
PLAIN = f"kafka: {{{SASL}PLAIN, sasl_username: joe}}\n{STREAMS}"
OAUTH = (
    f"kafka: {{{SASL}OAUTHBEARER, oauth_token_url: 'https://a/b', oauth_client_id: joe}}\n{STREAMS}"
)
KEY = (
    "kafka: {bootstrap_servers: 'k:1', security_protocol: SSL, ssl_certificate_file: pem, "
    f"ssl_key_file: pem}}\n{STREAMS}"
)
DAGSTER = f"kafka: {{bootstrap_servers: 'k:1'}}\n{STREAMS}dagster: {{base_url: 'https://a'}}\n"
BASIC = DAGSTER.replace("'https://a'", "'https://a', username: joe")

WHERE = [
    (PLAIN, "kafka", "sasl_password"),
    (OAUTH, "kafka", "oauth_client_secret"),
    (KEY, "kafka", "ssl_key_password"),
    (DAGSTER, "dagster", "token"),
    (BASIC, "dagster", "password"),
]


def variable(section: str, key: str) -> str:
    """The variable of a setting."""
    return f"STREAMGAUGE_{section}__{key}".upper()


@pytest.fixture(autouse=True)
def pem(tmp_path: Path):
    """A file for the settings that need one."""
    (tmp_path / "pem").write_text("x")


@pytest.mark.parametrize(("text", "section", "key"), WHERE)
def test_from_variable(configure: Configure, text: str, section: str, key: str):
    """The variable holds the secret as it is, whatever it looks like."""
    for value in (SECRET, "007", "true", '["a"]', "a,b", " $& "):
        config = configure(text, {variable(section, key): value})
        assert getattr(getattr(config, section), key).get_secret_value() == value


@pytest.mark.parametrize(("text", "section", "key"), WHERE)
@pytest.mark.parametrize(
    ("content", "value"),
    [
        (SECRET, SECRET),
        (f"{SECRET}\n", SECRET),
        (f"{SECRET}\r\n", SECRET),
        (f" {SECRET} \n", f" {SECRET} "),
        ("$(x) '\"#", "$(x) '\"#"),
    ],
)
def test_from_file(
    configure: Configure,
    tmp_path: Path,
    text: str,
    section: str,
    key: str,
    content: str,
    value: str,
):
    """One line break at the end of the file is not part of the secret; the file keeps its name."""
    (tmp_path / "secret").write_bytes(content.encode())
    config = configure(text, {variable(section, f"{key}_file"): "secret"})
    assert getattr(getattr(config, section), key).get_secret_value() == value
    assert str(getattr(getattr(config, section), f"{key}_file")) == "secret"


def test_any_characters(configure: Configure, tmp_path: Path):
    """A password need not be ASCII."""
    (tmp_path / "secret").write_bytes("pä\u00a0€\n".encode())
    for environ in (
        {"STREAMGAUGE_KAFKA__SASL_PASSWORD": "pä\u00a0€"},
        {"STREAMGAUGE_KAFKA__SASL_PASSWORD_FILE": "secret"},
    ):
        password = configure(PLAIN, environ).kafka.sasl_password
        assert password is not None
        assert password.get_secret_value() == "pä\u00a0€"


@pytest.mark.parametrize(("text", "section", "key"), WHERE)
def test_file_named_in_the_yaml(
    configure: Configure, tmp_path: Path, text: str, section: str, key: str
):
    """The file can be named in the YAML; a variable with the secret is preferred to it."""
    text = text.replace(f"{section}: {{", f"{section}: {{{key}_file: secret, ")
    (tmp_path / "secret").write_text(SECRET)
    assert getattr(getattr(configure(text), section), key).get_secret_value() == SECRET
    (tmp_path / "secret").unlink()
    preferred = getattr(configure(text, {variable(section, key): "other"}), section)
    assert getattr(preferred, key).get_secret_value() == "other"
    assert getattr(preferred, f"{key}_file") is None


@pytest.mark.parametrize(("text", "section", "key"), WHERE)
def test_refused_in_the_yaml(refuse: Refuse, text: str, section: str, key: str):
    """In the YAML a secret is refused, and both ways to give it are told."""
    line = 3 if section == "dagster" else 1
    ways = f"{variable(section, key)} or {section}.{key}_file"
    told = f"{section}.{key} (line {line}): must not stand in the file: set {ways}"
    for value in (SECRET, f"[{SECRET}]", f"{{a: {SECRET}}}", "5", ""):
        wrong = text.replace(f"{section}: {{", f"{section}: {{{key}: {value}, ")
        assert refuse(wrong) == [told]
        assert refuse(wrong, {variable(section, key): SECRET}) == [
            told.replace(f"line {line}", variable(section, key))
        ]


@pytest.mark.parametrize(("text", "section", "key"), WHERE)
def test_given_twice(refuse: Refuse, tmp_path: Path, text: str, section: str, key: str):
    """Two variables for one secret are one too many."""
    (tmp_path / "secret").write_text(SECRET)
    name = variable(section, key)
    assert refuse(text, {name: SECRET, f"{name}_FILE": "secret"}) == [
        f"{section}.{key}_file ({name}_FILE): sets the same secret as {name}: unset one of the two"
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "its file is empty"),
        ("\n", "its file is empty"),
        (f"{SECRET}\n\n", "its file must hold one line without control characters"),
        (f"{SECRET}\0", "its file must hold one line without control characters"),
        (b"\xff" + SECRET.encode(), "its file is not UTF-8 text"),
        (SECRET * LONGEST_SECRET, "its file is larger than 64 KiB: it holds no secret"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_files_that_hold_none(
    refuse: Refuse, tmp_path: Path, content: str | bytes | None, told: str
):
    """What is wrong with the file is told, what is in it is not."""
    if content is not None:
        (tmp_path / "secret").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    name = "STREAMGAUGE_DAGSTER__TOKEN_FILE"
    assert refuse(DAGSTER, {name: "secret"}) == [f"dagster.token_file ({name}): {told}"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "is empty"),
        (f"{SECRET}\n", "must be one line without control characters"),
        (f"{SECRET}\udcff", "must be one line without control characters"),
        (f"{SECRET}é", "must be ASCII: it is sent in a header"),
    ],
)
def test_variables_that_hold_none(refuse: Refuse, value: str, told: str):
    """A variable that holds no secret is told of without its value."""
    name = "STREAMGAUGE_DAGSTER__TOKEN"
    assert refuse(DAGSTER, {name: value}) == [f"dagster.token ({name}): {told}"]


def test_a_secret_in_place_of_its_file(refuse: Refuse):
    """A secret where the name of its file belongs is not repeated."""
    name = "STREAMGAUGE_DAGSTER__TOKEN_FILE"
    assert refuse(DAGSTER, {name: SECRET}) == [
        f"dagster.token_file ({name}): cannot be read: No such file or directory"
    ]
    (told,) = refuse(DAGSTER, {name: f"{SECRET}\n"})
    assert told.endswith("must be the name of a file without line breaks and control characters")
    assert SECRET not in told


@pytest.mark.parametrize(("text", "section", "key"), WHERE)
def test_never_shown(configure: Configure, text: str, section: str, key: str):
    """No way to print a configuration shows its secrets."""
    config = configure(text, {variable(section, key): SECRET})
    part = getattr(config, section)
    shown = [repr(config), str(config), config.model_dump_json(), repr(config.model_dump())]
    shown += [repr(part), str(part), f"{part}", json.dumps(config.model_dump(mode="json"))]
    assert not [text for text in shown if SECRET in text]


@pytest.mark.parametrize(
    "wrong",
    [
        "kafka: {sasl_password: SECRET, ssl_key_password: [SECRET], sasl_pasword: SECRET}",
        "kafka: {bootstrap_servers: 'joe:SECRET@k:1', sasl_mechanism: PLAIN}",
        "kafka: {client_id: [SECRET], sasl_username: {a: SECRET}, check_crcs: SECRET}",
        "kafka: {oauth_token_url: 'https://joe:SECRET@a/', ssl_ca_file: SECRET}",
        "dagster: {base_url: 'https://joe:SECRET@a/', token: SECRET, headers: {X-Token: SECRET}}",
        "dagster: {base_url: 'SECRET', headers: {a b: SECRET}, token_header: 'Bearer SECRET'}",
        "dagster: {headers: {a: [SECRET]}, ca_file: SECRET, Token: SECRET}",
        "dagster: {token: *SECRET}",
        "dagster: {token: !SECRET x}",
        "dagster: {token: &SECRET [}",
        "dagster: {token: 'SECRET",
        "dagster: {token: @SECRET}",
        'dagster: {token: "\\SECRET"}',
        "dagster: {token: %SECRET}",
        "dagster: {token: SECRET: SECRET}",
        "%SECRET\n---\n",
        "dagster:\n\ttoken: SECRET\n",
        "token: SECRET\n: SECRET\n  SECRET: SECRET",
    ],
)
def test_never_told(configure: Configure, wrong: str):
    """Neither the problems nor a traceback repeat what stands in the file or in a variable."""
    text = wrong.replace("SECRET", SECRET)
    environ = {variable(section, key): SECRET for _, section, key in WHERE}
    environ |= {"STREAMGAUGE_KAFKA__SASL_PASWORD": SECRET, "STREAMGAUGE_KAFKA__POLL_INTERVAL": "x"}
    with pytest.raises(ConfigError) as raised:
        configure(text, environ)
    told = "".join(traceback.format_exception(raised.value))
    assert SECRET not in told
    assert SECRET not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_without_secrets(configure: Configure, refuse: Refuse):
    """A reader on another machine needs neither the secrets nor the files."""
    text = (
        f"kafka: {{{SASL}PLAIN, sasl_username: joe, ssl_ca_file: missing.pem}}\n{STREAMS}"
        "dagster: {base_url: 'https://a', token_file: missing, ca_file: missing.pem}\n"
    )
    config = configure(text, with_secrets=False)
    assert config.kafka.sasl_password is None
    assert config.dagster is not None
    assert config.dagster.token is None
    assert len(refuse(text)) == 4
    (told,) = refuse(text.replace("PLAIN", "PLANE"), with_secrets=False)
    assert told.endswith('OAUTHBEARER, not "PLANE"; did you mean PLAIN?')


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        ("Dagster-Cloud-Api-Token", SECRET),
        ("Authorization", f"Bearer {SECRET}"),
        ("authorization", f"Bearer {SECRET}"),
    ],
)
def test_request_headers(configure: Configure, header: str, sent: str):
    """The token goes where it is expected, beside the other headers."""
    environ = {
        "STREAMGAUGE_DAGSTER__TOKEN": SECRET,
        "STREAMGAUGE_DAGSTER__TOKEN_HEADER": header,
        "STREAMGAUGE_DAGSTER__HEADERS": '{"X-Team": "a"}',
    }
    dagster = configure(DAGSTER, environ).dagster
    assert dagster is not None
    assert dagster.request_headers() == {"X-Team": "a", header: sent}


def test_basic_authentication(configure: Configure):
    """As RFC 7617 writes it, beside a token in a header of its own."""
    environ = {"STREAMGAUGE_DAGSTER__PASSWORD": "pä:ss", "STREAMGAUGE_DAGSTER__TOKEN": SECRET}
    dagster = configure(BASIC, environ).dagster
    assert dagster is not None
    assert dagster.request_headers() == {
        "Authorization": "Basic am9lOnDDpDpzcw==",
        "Dagster-Cloud-Api-Token": SECRET,
    }
