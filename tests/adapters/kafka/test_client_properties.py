"""Client properties of both dialects, what is refused, and that secrets never show (bad_inputs 79)."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from watermaster.adapters.kafka.client_properties import read_client_properties
from watermaster.adapters.kafka.jaas import read_jaas
from watermaster.adapters.kafka.properties_syntax import read_java, read_librdkafka
from watermaster.adapters.kafka.secret import HIDDEN, Secret, redact
from watermaster.stream.fault import UsageFault

CANARY = "canary-5e1f"
PACKAGE = "org.apache.kafka.common.security"
PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def write(folder: Path, text: str, name: str = "client.properties") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


SYNTAX = [
    ("a=b", {"a": "b"}),
    ("a = b ", {"a": "b "}),
    ("a:b", {"a": "b"}),
    ("a b c", {"a": "b c"}),
    ("  a=b", {"a": "b"}),
    ("# x\n! y\n\na=b", {"a": "b"}),
    ("a=b\\\n   c", {"a": "bc"}),
    ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
    ("a=\\u00e9\\t\\n\\:", {"a": "é\t\n:"}),
    ("a\\:b=c", {"a:b": "c"}),
    ("a=b#c", {"a": "b#c"}),
    ("a", {"a": ""}),
    ("a=\\\n  b", {"a": "b"}),
    ("a=b\r\nc=d", {"a": "b", "c": "d"}),
    ("a=one\\\n# two\nc=d", {"a": "one# two", "c": "d"}),
    ("a==b", {"a": "=b"}),
]


@pytest.mark.parametrize(("text", "expected"), SYNTAX)
def test_java_syntax(text: str, expected: dict[str, str]) -> None:
    assert {entry.key: str(entry.value) for entry in read_java(text)} == expected


def test_librdkafka_syntax_is_literal() -> None:
    entries = read_librdkafka("# c\nsasl.password = a\\b=c#d \n\nx=y")
    assert [(entry.key, str(entry.value), entry.line) for entry in entries] == [
        ("sasl.password", "a\\b=c#d", 2),
        ("x", "y", 4),
    ]


def test_lines_of_java_entries_count_from_their_first_line() -> None:
    assert [entry.line for entry in read_java("# 1\na=b\\\n c\nd=e")] == [2, 4]


def test_java_scram(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    path = write(
        tmp_path,
        "bootstrap.servers=x:1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
        f'sasl.jaas.config={PACKAGE}.scram.ScramLoginModule required username="u" \\\n  password="{CANARY}\\\\"q";\n'
        "ssl.truststore.location=ca.pem\nssl.truststore.type=PEM\nacks=all\n",
    )
    read = read_client_properties(path, {})
    assert read.settings == {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": f'{CANARY}"q',
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }
    assert read.ignored == ("bootstrap.servers", "acks")


def test_librdkafka_scram_from_the_environment(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "security.protocol=sasl_ssl\nsasl.mechanisms=PLAIN\nsasl.username=u\nsasl.password=${env:PASS}\n",
    )
    settings = read_client_properties(path, {"PASS": CANARY}).settings
    assert settings["sasl.password"] == CANARY
    assert settings["sasl.mechanism"] == "PLAIN"
    assert CANARY not in repr(settings)


def test_java_oauth(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
        f"sasl.login.callback.handler.class={PACKAGE}.oauthbearer.OAuthBearerLoginCallbackHandler\n"
        "sasl.oauthbearer.token.endpoint.url=https://idp.example/token\n"
        f'sasl.jaas.config={PACKAGE}.oauthbearer.OAuthBearerLoginModule required clientId="i" '
        f'clientSecret="{CANARY}" scope="s";\n',
    )
    settings = read_client_properties(path, {}).settings
    assert settings["sasl.oauthbearer.method"] == "oidc"
    assert settings["sasl.oauthbearer.client.id"] == "i"
    assert settings["sasl.oauthbearer.client.secret"] == CANARY
    assert settings["sasl.oauthbearer.scope"] == "s"
    assert CANARY not in repr(settings)


def test_java_stores_inside_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "security.protocol=SSL\nssl.truststore.certificates=ca\nssl.keystore.key=key\n"
        "ssl.keystore.certificate.chain=chain\nssl.key.password=p\nssl.endpoint.identification.algorithm=\n",
    )
    assert read_client_properties(path, {}).settings == {
        "security.protocol": "ssl",
        "ssl.ca.pem": "ca",
        "ssl.key.pem": "key",
        "ssl.certificate.pem": "chain",
        "ssl.key.password": "p",
        "ssl.endpoint.identification.algorithm": "none",
    }


def test_pkcs12_and_pem_key_stores(tmp_path: Path) -> None:
    (tmp_path / "store.p12").write_bytes(b"\x30\x82\x01\x00")
    (tmp_path / "store.pem").write_text(PEM)
    common = "security.protocol=SSL\nssl.keystore.type=JKS\n"
    pkcs12 = read_client_properties(
        write(tmp_path, common + "ssl.keystore.location=store.p12\nssl.keystore.password=p\n"), {}
    ).settings
    assert pkcs12["ssl.keystore.location"] == str(tmp_path / "store.p12")
    assert pkcs12["ssl.keystore.password"] == "p"
    pem = read_client_properties(write(tmp_path, common + "ssl.keystore.location=store.pem\n"), {}).settings
    assert pem["ssl.key.location"] == pem["ssl.certificate.location"] == str(tmp_path / "store.pem")


def jaas(module: str, options: str = f'username="u" password="{CANARY}"') -> str:
    return f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={module} required {options};\n"


REFUSED = [
    ("plugin.library.paths=evil.so", "WM-CLIENT-KEY"),
    ("sasl.passwort=x\nsasl.username=u", "WM-CLIENT-KEY"),
    ("debug=all", "WM-CLIENT-KEY"),
    ("oauth_cb=x", "WM-CLIENT-KEY"),
    ("ssl.engine.location=/x.so\nsasl.username=u", "WM-CLIENT-KEY"),
    ("enable.sasl.oauthbearer.unsecure.jwt=true", "WM-CLIENT-KEY"),
    ("config.providers=file", "WM-CLIENT-KEY"),
    ("interceptor.classes=x.Y", "WM-CLIENT-KEY"),
    ("metric.reporters=com.sun.security.auth.module.JndiLoginModule", "WM-CLIENT-KEY"),
    ("sasl.username=u\nsasl.password=${file:/etc/passwd}", "WM-CLIENT-PROVIDER"),
    ("sasl.username=u\nsasl.password=${env:NOT_SET}", "WM-CLIENT-ENVIRONMENT"),
    (jaas("com.sun.security.auth.module.JndiLoginModule"), "WM-CLIENT-JAAS"),
    (jaas("com.sun.security.auth.module.LdapLoginModule"), "WM-CLIENT-JAAS"),
    (jaas("evil.PlainLoginModule"), "WM-CLIENT-JAAS"),
    (jaas(f"{PACKAGE}.plain.PlainLoginModule", f'username="{CANARY}"'), "WM-CLIENT-JAAS"),
    (jaas(f"{PACKAGE}.plain.PlainLoginModule", f'username="u" password="{CANARY}'), "WM-CLIENT-JAAS"),
    (jaas(f"{PACKAGE}.plain.PlainLoginModule", f'password="{CANARY}"; x.Y required'), "WM-CLIENT-JAAS"),
    (jaas("com.sun.security.auth.module.Krb5LoginModule"), "WM-CLIENT-KERBEROS"),
    ("security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI", "WM-CLIENT-KERBEROS"),
    ("security.protocol=SASL_SSL", "WM-CLIENT-KERBEROS"),
    ("sasl.kerberos.service.name=kafka", "WM-CLIENT-KERBEROS"),
    ("sasl.mechanism=SCRAM-SHA-1", "WM-CLIENT-MECHANISM"),
    ("sasl.oauthbearer.token.endpoint.url=file:///etc/passwd", "WM-CLIENT-ENDPOINT"),
    ("sasl.oauthbearer.token.endpoint.url=http://169.254.169.254/latest", "WM-CLIENT-ENDPOINT"),
    ("sasl.oauthbearer.token.endpoint.url=http://localhost.evil.example/", "WM-CLIENT-ENDPOINT"),
    ("sasl.login.callback.handler.class=evil.Handler\nsasl.jaas.config=x", "WM-CLIENT-JAAS"),
    ("ssl.ca.location=/nonexistent/ca.pem", "WM-CLIENT-FILE"),
    ("ssl.truststore.location=/nonexistent/ca.jks", "WM-CLIENT-FILE"),
    ("sasl.jaas.config=x\nsasl.username=u", "WM-CLIENT-DIALECT"),
    ("a=\\uZZZZ", "WM-CLIENT-SYNTAX"),
    ("\x1b[31m=1", "WM-CLIENT-KEY"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(UsageFault) as caught:
        read_client_properties(write(tmp_path, text), {})
    shown = f"{caught.value} {caught.value.hint}"
    assert caught.value.code == code
    assert CANARY not in shown
    assert "\x1b" not in shown


def test_unknown_key_names_line_and_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "# c\nsecurity.protocl=SSL")
    with pytest.raises(UsageFault, match=r":2: security\.protocl") as caught:
        read_client_properties(path, {})
    assert caught.value.hint == "Did you mean security.protocol?"


@pytest.mark.parametrize("magic", [b"\xfe\xed\xfe\xed\x00", b"\xce\xce\xce\xce\x00"])
def test_jks_says_how_to_convert(tmp_path: Path, magic: bytes) -> None:
    (tmp_path / "trust.jks").write_bytes(magic)
    with pytest.raises(UsageFault, match="JKS") as caught:
        read_client_properties(write(tmp_path, "ssl.truststore.location=trust.jks"), {})
    assert "keytool -importkeystore -srckeystore trust.jks" in caught.value.hint
    with pytest.raises(UsageFault, match="JKS"):
        read_client_properties(write(tmp_path, "ssl.keystore.type=JKS\nssl.keystore.location=trust.jks"), {})


def test_not_a_text_and_too_large(tmp_path: Path) -> None:
    binary = tmp_path / "b.properties"
    binary.write_bytes(b"a=\xff\xfe")
    with pytest.raises(UsageFault, match="not a properties file"):
        read_client_properties(binary, {})
    binary.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(UsageFault, match="larger"):
        read_client_properties(binary, {})
    with pytest.raises(UsageFault, match="cannot be read"):
        read_client_properties(tmp_path / "none", {})


def test_secret_hides_everywhere_but_for_the_client() -> None:
    secret = Secret(CANARY)
    holder = {"sasl.password": secret}
    assert CANARY not in f"{secret} {secret!r} {holder} {ValueError(holder)} {ValueError(secret)!r}"
    assert str(secret) == CANARY
    assert type(pickle.loads(pickle.dumps(secret))) is Secret
    assert redact(f"cannot use {CANARY}", holder) == f"cannot use {HIDDEN}"


def test_jaas_options() -> None:
    login = read_jaas(f'{PACKAGE}.plain.PlainLoginModule required username=u password="a;b\\"c\\\\" ;')
    assert login.family == "PLAIN"
    assert {name: str(value) for name, value in login.options.items()} == {"username": "u", "password": 'a;b"c\\'}
