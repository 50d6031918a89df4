"""Settings of the connection become aiokafka's arguments, or an error that names the setting."""

import ssl
from uuid import uuid4

import pytest
import trustme

from streamgauge.kafka.connection import Connection
from streamgauge.kafka.errors import ConnectionSettingError
from streamgauge.kafka.tokens import ClientCredentials, FileTokens, TokenFile

SECRET, OTHER_SECRET = uuid4().hex, uuid4().hex
SERVERS = ("kafka-1:9092", "kafka-2:9092")


@pytest.fixture(scope="module")
def ca():
    """A certificate authority."""
    return trustme.CA()


def write_pair(ca, folder, name="gauge"):
    """Write a certificate and its key, apart."""
    leaf = ca.issue_cert(f"{name}@client.invalid")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    leaf.cert_chain_pems[0].write_to_path(certificate)
    leaf.private_key_pem.write_to_path(key)
    return certificate, key


def test_a_plain_connection_says_nothing_of_security():
    """Only what aiokafka's clients take is passed on."""
    arguments = Connection(bootstrap_servers=SERVERS).client_arguments()
    assert arguments == {
        "bootstrap_servers": ["kafka-1:9092", "kafka-2:9092"],
        "client_id": "streamgauge",
        "request_timeout_ms": 30_000,
        "metadata_max_age_ms": 60_000,
        "connections_max_idle_ms": 180_000,
        "security_protocol": "PLAINTEXT",
    }


def test_passwords_go_to_aiokafka_and_never_into_text():
    """The text of a connection shows the user and no secret."""
    connection = Connection(
        bootstrap_servers=SERVERS,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        username="gauge",
        password=SECRET,
        ssl_key_password=OTHER_SECRET,
    )
    arguments = connection.client_arguments()
    assert arguments["sasl_plain_username"] == "gauge"
    assert arguments["sasl_plain_password"] == SECRET
    assert "gauge" in repr(connection)
    assert SECRET not in repr(connection)
    assert OTHER_SECRET not in repr(connection)


def test_a_client_secret_never_enters_the_text():
    """Also not through the text of the connection that holds it."""
    token = ClientCredentials("https://id.invalid/token", "gauge", SECRET, "kafka")
    assert SECRET not in repr(Connection(bootstrap_servers=SERVERS, token=token))


async def test_a_token_file_becomes_a_token_provider(tmp_path):
    """OAUTHBEARER needs no user name."""
    connection = Connection(
        bootstrap_servers=SERVERS,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        token=TokenFile(tmp_path / "token"),
    )
    arguments = connection.client_arguments()
    assert isinstance(arguments["sasl_oauth_token_provider"], FileTokens)
    assert "sasl_plain_username" not in arguments


def test_tls_verifies_the_broker_by_default(ca, tmp_path):
    """The certificate is verified whatever the host name check says."""
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    for check_hostname in (True, False):
        context = Connection(
            bootstrap_servers=SERVERS,
            security_protocol="SSL",
            ssl_ca_file=tmp_path / "ca.pem",
            ssl_check_hostname=check_hostname,
        ).client_arguments()["ssl_context"]
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname is check_hostname
        assert len(context.get_ca_certs()) == 1


def test_a_client_certificate_with_an_encrypted_key_is_loaded(ca, tmp_path):
    """The key's password comes from the settings, never from the terminal."""
    certificate, key = write_pair(ca, tmp_path)
    encrypt(key, SECRET.encode())
    settings = {
        "bootstrap_servers": SERVERS,
        "security_protocol": "SSL",
        "ssl_certificate_file": certificate,
        "ssl_key_file": key,
    }
    Connection(**settings, ssl_key_password=SECRET).client_arguments()
    for wrong in (None, OTHER_SECRET):
        with pytest.raises(ConnectionSettingError, match="set ssl_key_password") as raised:
            Connection(**settings, ssl_key_password=wrong).client_arguments()
        assert OTHER_SECRET not in str(raised.value)


def encrypt(path, password):
    """Replace a private key by its encrypted form."""
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415 - slow, once

    key = pem.load_pem_private_key(path.read_bytes(), password=None)
    encryption = pem.BestAvailableEncryption(password)
    path.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"security_protocol": "TLS"}, "security_protocol"),
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "GSSAPI"}, "sasl_mechanism"),
        (
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "username": "u"},
            "username and password",
        ),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}, "token"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, what):
    """The error names the setting and what to do."""
    with pytest.raises(ConnectionSettingError) as raised:
        Connection(bootstrap_servers=SERVERS, **settings).client_arguments()
    assert raised.value.unreachable.what == what
    assert raised.value.unreachable.remedy


def test_files_that_cannot_be_used_are_named(ca, tmp_path):
    """A missing file, a file of another kind, a key without or for another certificate."""
    certificate, key = write_pair(ca, tmp_path)
    _, other_key = write_pair(ca, tmp_path, "other")
    (tmp_path / "noise").write_text("no certificate")
    missing = tmp_path / "missing.pem"
    for files, told in (
        ({"ssl_ca_file": missing}, f"ssl_ca_file {missing}: it cannot be read: No such file"),
        ({"ssl_ca_file": tmp_path}, "it cannot be read: Is a directory"),
        ({"ssl_ca_file": tmp_path / "noise"}, "holds no certificate in PEM form"),
        ({"ssl_ca_file": key}, "holds no certificate in PEM form"),
        ({"ssl_certificate_file": missing}, f"ssl_certificate_file {missing}"),
        ({"ssl_certificate_file": certificate}, "no certificate with its key"),
        (
            {"ssl_certificate_file": certificate, "ssl_key_file": missing},
            f"ssl_key_file {missing}: it cannot be read",
        ),
        (
            {"ssl_certificate_file": certificate, "ssl_key_file": other_key},
            "the key does not belong to the certificate",
        ),
        ({"ssl_key_file": key}, "there is no certificate to go with it"),
    ):
        with pytest.raises(ConnectionSettingError) as raised:
            Connection(
                bootstrap_servers=SERVERS, security_protocol="SSL", **files
            ).client_arguments()
        assert told in str(raised.value)
