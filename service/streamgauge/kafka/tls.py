"""The TLS context of the connections to Kafka, and which file is at fault if there is none."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NoReturn

from streamgauge.kafka.errors import ConnectionSettingError, Unreachable

if TYPE_CHECKING:
    from pathlib import Path


def ssl_context(
    *,
    ca_file: Path | None,
    certificate_file: Path | None,
    key_file: Path | None,
    key_password: str | None,
    check_hostname: bool,
) -> ssl.SSLContext:
    """Build a client context; the broker's certificate is verified in any case.

    Raises:
        ConnectionSettingError: If a file cannot be read or does not hold what it should; names
            the setting and the file.
    """
    if key_file is not None and certificate_file is None:
        _refuse("ssl_key_file", "there is no certificate to go with it", "set ssl_certificate_file")
    context = _trusting(ca_file)
    context.check_hostname = check_hostname
    if certificate_file is not None:
        _identify(context, certificate_file, key_file, key_password)
    return context


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return ssl.create_default_context()
    _check_readable("ssl_ca_file", ca_file)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        _refuse(
            f"ssl_ca_file {ca_file}",
            "it holds no certificate in PEM form",
            "give the certificates of the authorities that signed the brokers' certificates",
        )


def _identify(
    context: ssl.SSLContext, certificate_file: Path, key_file: Path | None, password: str | None
) -> None:
    _check_readable("ssl_certificate_file", certificate_file)
    what = f"ssl_certificate_file {certificate_file}"
    if key_file is not None:
        _check_readable("ssl_key_file", key_file)
        what += f" with ssl_key_file {key_file}"
    try:
        # a callback in any case: without one OpenSSL would ask for the password at the terminal
        context.load_cert_chain(certificate_file, key_file, lambda: password or "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            _refuse(what, "the key does not belong to the certificate", "give the key it was for")
        _refuse(
            what,
            "no certificate with its key can be loaded from there",
            "both must be in PEM form; for an encrypted key set ssl_key_password",
        )


def _check_readable(setting: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        _refuse(
            f"{setting} {path}",
            f"it cannot be read: {error.strerror}",
            "correct the path, or let the gauge's user read the file",
        )


def _refuse(what: str, why: str, remedy: str) -> NoReturn:
    raise ConnectionSettingError(Unreachable(what=what, why=why, remedy=remedy)) from None
