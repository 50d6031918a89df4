"""The kinds of values that name something on the network: addresses, URLs and HTTP headers."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

import httpx

from streamgauge.config.errors import shown
from streamgauge.config.values import string
from streamgauge.config.written import Written, WrittenError, kind, text_of

_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_NO_HEADER_NAME: Final = "must be a header name: letters, digits and - without spaces"
_SECRET_HEADER: Final = re.compile(
    r"authori[sz]|authent|(^|-)auth($|-)|token|secret|passw|credential|cookie|session|(api|access)-?key",
    re.IGNORECASE,
)


def _address(value: object, example: str, *, least_port: int) -> str:
    address = text_of(value, "host:port")
    found = _ADDRESS.fullmatch(address)
    if found is None or not least_port <= int(found[2]) <= 65535:
        said = "this" if "@" in address else shown(address)
        raise WrittenError(f"{said} is not host:port: write for example {example}")
    return address


def _bootstrap_servers(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [server.strip() for server in value.split(",")]
    if not isinstance(value, list):
        raise WrittenError(f"must be host:port, or a list of them, not {kind(value)}")
    if not 1 <= len(value) <= 100:
        raise WrittenError(f"must name 1 to 100 servers, not {len(value)}")
    return tuple(_address(server, "kafka-1:9092", least_port=1) for server in value)


def _listen(value: object) -> str:
    return _address(value, "127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080", least_port=0)


def _url(value: object) -> str:
    url = text_of(value, "a URL")
    try:
        parts = urlsplit(url)
        # httpx, which sends to it, refuses hosts that cannot be encoded as well
        valid = parts.scheme in {"http", "https"} and httpx.URL(url).host and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        parts, valid = urlsplit(""), False
    if not valid or " " in url:
        raise WrittenError("must be a full URL that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise WrittenError("must hold no user and password: a URL is shown in logs")
    if parts.query or parts.fragment:
        raise WrittenError("must end with its path: no ? and no #")
    return url.rstrip("/")


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise WrittenError(f"must be a mapping from header names to text, not {kind(value)}")
    if len(value) > 50:
        raise WrittenError("has more than 50 headers")
    for name, text in value.items():
        if not _HEADER.fullmatch(name):
            raise WrittenError(_NO_HEADER_NAME)
        if _SECRET_HEADER.search(name):
            raise WrittenError(
                f"{name} holds a secret: set dagster.token_file or STREAMGAUGE_DAGSTER__TOKEN, and "
                f"dagster.token_header: {name}"
            )
        if not isinstance(text, str) or not (text.isascii() and text.isprintable()):
            raise WrittenError(
                f"the value of {name} must be ASCII text on one line: put it in quotes"
            )
    return {name: str(text) for name, text in value.items()}


def _header_name(value: object) -> str:
    name = text_of(value, "a header name")
    if not _HEADER.fullmatch(name):
        raise WrittenError(_NO_HEADER_NAME)
    return name


_HOST_PORT: Final = f"^{_ADDRESS.pattern}$"

BootstrapServers: TypeAlias = Annotated[
    tuple[str, ...],
    Written(
        _bootstrap_servers,
        {
            "title": "host:port, several separated by commas or as a list",
            "type": ["string", "array"],
            "minLength": 1,
            "minItems": 1,
            "maxItems": 100,
            "items": {"type": "string", "pattern": _HOST_PORT},
        },
    ),
]
Listen: TypeAlias = Annotated[str, Written(_listen, string("host:port", pattern=_HOST_PORT))]
Url: TypeAlias = Annotated[str, Written(_url, string("http or https URL", pattern="^https?://."))]
Headers: TypeAlias = Annotated[
    dict[str, str],
    Written(
        _headers,
        {
            "title": "mapping from names to text",
            "type": "object",
            "maxProperties": 50,
            "additionalProperties": {"type": "string"},
        },
    ),
]
HeaderName: TypeAlias = Annotated[
    str, Written(_header_name, string("header name", pattern=f"^{_HEADER.pattern}$"))
]
