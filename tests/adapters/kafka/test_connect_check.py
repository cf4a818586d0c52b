"""First contact with real listeners: each wrong address, credential and certificate gives one sentence in seconds."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from watermaster.adapters.kafka.connect_check import connect
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.observed import ObservedCluster
from watermaster.stream.fault import Fault, UsageFault
from watermaster.testing.kafka import KafkaCluster

CANARY = "canary-9b2d"
TIMEOUT_S = 8.0


def contact(folder: Path, bootstrap: str, properties: str = "") -> ObservedCluster:
    path = folder / "client.properties"
    path.write_text(properties)
    return connect(ClusterConfiguration("c", bootstrap, client_config=path), TIMEOUT_S).cluster


def properties_of(
    cluster: KafkaCluster, folder: Path, style: str = "librdkafka", mechanism: str = "SCRAM-SHA-512"
) -> str:
    return cluster.client_properties("admin", folder / "good.properties", style, mechanism=mechanism).read_text()


def changed(properties: str, **keys: str | None) -> str:
    for key, value in keys.items():
        pattern = rf"(?m)^{re.escape(key.replace('_', '.'))}=.*\n"
        properties = re.sub(pattern, "", properties)
        if value is not None:
            properties += f"{key.replace('_', '.')}={value}\n"
    return properties


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("style", "mechanism"),
    [
        ("librdkafka", "SCRAM-SHA-512"),
        ("java", "SCRAM-SHA-512"),
        ("java", "PLAIN"),
        ("java", "mTLS"),
        ("librdkafka", "mTLS"),
    ],
)
def test_right(kafka_secured: KafkaCluster, tmp_path: Path, style: str, mechanism: str) -> None:
    bootstrap = kafka_secured.access("admin", mechanism).bootstrap
    seen = contact(tmp_path, bootstrap, properties_of(kafka_secured, tmp_path, style, mechanism))
    assert seen.cluster_id == kafka_secured.cluster_id
    assert len(seen.brokers) == 1


SECURED = [
    ("password", {"sasl_password": CANARY}, "WM-KAFKA-AUTHENTICATION"),
    ("user", {"sasl_username": "nobody"}, "WM-KAFKA-AUTHENTICATION"),
    ("plain password", {"sasl_password": CANARY, "sasl_mechanism": "PLAIN"}, "WM-KAFKA-AUTHENTICATION"),
    ("mechanism", {"sasl_mechanism": "SCRAM-SHA-256"}, "WM-KAFKA-SASL-MECHANISM"),
    ("authority", {"ssl_ca_location": None}, "WM-KAFKA-TLS-CA"),
    ("plaintext to TLS", {"security_protocol": "PLAINTEXT"}, "WM-KAFKA-PROTOCOL"),
    ("login in plaintext to TLS", {"security_protocol": "SASL_PLAINTEXT"}, "WM-KAFKA-PROTOCOL"),
    ("TLS without a login", {"security_protocol": "SSL"}, "WM-KAFKA-DISCONNECTED"),
    (
        "no token server",
        {
            "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauthbearer_client_id": "i",
            "sasl_oauthbearer_client_secret": CANARY,
            "sasl_oauthbearer_token_endpoint_url": "http://127.0.0.1:1/token",
        },
        "WM-KAFKA-OAUTH",
    ),
]


@pytest.mark.kafka
@pytest.mark.parametrize(("name", "keys", "code"), SECURED, ids=[row[0] for row in SECURED])
def test_wrong_for_a_secured_listener(
    kafka_secured: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    name: str, keys: dict[str, str | None], code: str,
) -> None:  # fmt: skip
    properties = changed(properties_of(kafka_secured, tmp_path), **keys)
    capfd.readouterr()
    check_fault(lambda: contact(tmp_path, kafka_secured.bootstrap, properties), code, capfd)


@pytest.mark.kafka
def test_client_certificate_is_missing(
    kafka_secured: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    properties = changed(properties_of(kafka_secured, tmp_path, "java", "mTLS"), ssl_keystore_location=None)
    bootstrap = kafka_secured.access("admin", "mTLS").bootstrap
    check_fault(lambda: contact(tmp_path, bootstrap, properties), "WM-KAFKA-TLS-CLIENT", capfd)


@pytest.mark.kafka
def test_tls_to_a_plaintext_listener(kafka: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check_fault(lambda: contact(tmp_path, kafka.bootstrap, "security.protocol=SSL\n"), "WM-KAFKA-PROTOCOL", capfd)


@pytest.mark.kafka
def test_one_of_two_addresses_is_enough(kafka: KafkaCluster, tmp_path: Path) -> None:
    assert contact(tmp_path, f"127.0.0.1:1,{kafka.bootstrap}").cluster_id == kafka.cluster_id


@pytest.mark.kafka
def test_who_gets_no_answer_asks_anew_for_as_long_as_there_is_time(kafka: KafkaCluster, tmp_path: Path) -> None:
    """As after the death of a broker, which its neighbours still name as the controller to some who ask."""
    host, _, port = kafka.bootstrap.rpartition(":")
    with forwarder("127.0.0.1", (host, int(port)), unanswered=4) as other:
        assert contact(tmp_path, f"127.0.0.1:{other}").cluster_id == kafka.cluster_id


@pytest.mark.kafka
def test_certificate_for_another_host(
    kafka_secured: KafkaCluster, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    host, _, port = kafka_secured.bootstrap.rpartition(":")
    with forwarder("127.0.0.2", (host, int(port))) as other:
        properties = properties_of(kafka_secured, tmp_path)
        capfd.readouterr()
        check_fault(lambda: contact(tmp_path, f"127.0.0.2:{other}", properties), "WM-KAFKA-TLS-HOST", capfd)


def test_expired_certificate(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    certificate, key = expired_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def answer(connection: socket.socket) -> None:
        with closing(context.wrap_socket(connection, server_side=True)) as secured:
            secured.recv(1)

    with server(answer) as port:
        properties = f"security.protocol=SSL\nssl.ca.location={certificate}\n"
        check_fault(lambda: contact(tmp_path, f"127.0.0.1:{port}", properties), "WM-KAFKA-TLS-EXPIRED", capfd)


def test_a_web_server(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with server(answer) as port:
        check_fault(lambda: contact(tmp_path, f"127.0.0.1:{port}"), "WM-KAFKA-NOT-KAFKA", capfd)


def test_a_frame_of_two_gigabytes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x7f\xff\xff\xff" + b"x" * 100)

    with server(answer) as port:
        check_fault(lambda: contact(tmp_path, f"127.0.0.1:{port}"), "WM-KAFKA-NOT-KAFKA", capfd)


def test_a_silent_port(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        bootstrap = f"127.0.0.1:{listening.getsockname()[1]}"
        check_fault(lambda: contact(tmp_path, bootstrap), "WM-KAFKA-UNREACHABLE", capfd)


@pytest.mark.parametrize(
    ("bootstrap", "code"),
    [
        ("127.0.0.1:1", "WM-KAFKA-UNREACHABLE"),
        ("localhost:1,127.0.0.1:1", "WM-KAFKA-UNREACHABLE"),
        ("localhost:port", "WM-CLIENT-ADDRESS"),
    ],
)
def test_wrong_address(tmp_path: Path, capfd: pytest.CaptureFixture[str], bootstrap: str, code: str) -> None:
    check_fault(lambda: contact(tmp_path, bootstrap), code, capfd)


def test_a_key_that_is_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    properties = f"security.protocol=SSL\nssl.key.pem={CANARY}\n"
    check_fault(lambda: contact(tmp_path, "localhost:1", properties), "WM-CLIENT-SETTING", capfd)


def check_fault(call: object, code: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One fault of this code, no secret in it, and nothing on the terminal that the caller did not print."""
    with pytest.raises(Fault) as caught:
        call()  # type: ignore[operator]
    fault = caught.value
    assert fault.code == code, f"{fault} {fault.hint}"
    assert fault.message.endswith(".")
    assert "\n" not in fault.message
    assert fault.hint
    assert CANARY not in f"{fault} {fault.hint} {fault!r}"
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert isinstance(fault, UsageFault) or fault.retriable


@contextmanager
def server(answer: object) -> Iterator[int]:
    """A TCP server on loopback that hands each connection to `answer`."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield from _serving(listening, answer)


@contextmanager
def forwarder(host: str, target: tuple[str, int], unanswered: int = 0) -> Iterator[int]:
    """A port on `host` behind which `target` answers, but for the first connections."""
    silent = iter(range(unanswered))

    def answer(connection: socket.socket) -> None:
        if next(silent, None) is not None:
            while connection.recv(65_536):
                pass
            return
        with closing(socket.create_connection(target)) as onward:
            back = threading.Thread(target=_copy, args=(onward, connection), daemon=True)
            back.start()
            _copy(connection, onward)

    with closing(socket.create_server((host, 0))) as listening:
        yield from _serving(listening, answer)


def _serving(listening: socket.socket, answer: object) -> Iterator[int]:
    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    def handle(connection: socket.socket) -> None:
        with closing(connection):
            try:
                answer(connection)  # type: ignore[operator]
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


def expired_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "expired")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "expired.pem", folder / "expired.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file
