"""What the tests of the configuration share: a file that is written and loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from streamgauge.config import Config, ConfigError, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Configure(Protocol):
    """Loads a YAML text as if it stood in a file."""

    def __call__(
        self,
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        *,
        with_secrets: bool = True,
    ) -> Config:
        """The configuration."""


class Refuse(Protocol):
    """Loads a YAML text that must be refused, and says what is told."""

    def __call__(
        self,
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        *,
        with_secrets: bool = True,
    ) -> list[str]:
        """The problems."""


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Loads a YAML text; the directory of the test is the working directory."""
    monkeypatch.chdir(tmp_path)

    def configure(
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        *,
        with_secrets: bool = True,
    ) -> Config:
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "streamgauge.yaml").write_bytes(content)
        return load("streamgauge.yaml", environ or {}, with_secrets=with_secrets)

    return configure


@pytest.fixture
def refuse(configure: Configure) -> Refuse:
    """Loads a YAML text that must be refused, and says what is told."""

    def refuse(
        text: str | bytes,
        environ: Mapping[str, str] | None = None,
        *,
        with_secrets: bool = True,
    ) -> list[str]:
        with pytest.raises(ConfigError) as raised:
            configure(text, environ, with_secrets=with_secrets)
        assert str(raised.value) == "\n".join(raised.value.problems)
        assert not any("\n" in problem for problem in raised.value.problems)
        return list(raised.value.problems)

    return refuse
