"""Java trust and key stores as the settings of a client that reads PEM and PKCS12.

What a store is, is told by its first bytes: Java guesses too, and many files are not what `…store.type` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from watermaster.stream.fault import UsageFault

_JKS_MAGIC: Final = (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
_DER_SEQUENCE: Final = 0x30


class StoreKind(Enum):
    """What a store's bytes are."""

    PEM = "PEM"
    PKCS12 = "PKCS12"
    JKS = "JKS"


def trust_store_settings(java: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`ssl.truststore.*` as `ssl.ca.*`. Raises `UsageFault` WM-CLIENT-STORE for stores that must be converted."""
    if "ssl.truststore.certificates" in java:
        return {"ssl.ca.pem": java["ssl.truststore.certificates"]}
    if "ssl.truststore.location" not in java:
        return {}
    store = (folder / java["ssl.truststore.location"]).resolve()
    kind = store_kind(store)
    if kind is StoreKind.PEM:
        return {"ssl.ca.location": str(store)}
    export = f"openssl pkcs12 -in {store.with_suffix('.p12').name} -nokeys -out ca.pem"
    if kind is StoreKind.JKS:
        export = f"{_to_pkcs12(store)} && {export}"
    raise UsageFault(
        "WM-CLIENT-STORE",
        f"The trust store {store} is {kind.value}, which this client cannot read.",
        hint=f"Convert it ({export}) and set ssl.truststore.location=ca.pem with ssl.truststore.type=PEM.",
    )


def key_store_settings(java: Mapping[str, str], folder: Path) -> dict[str, str]:
    """`ssl.keystore.*` as key and certificate settings. Raises `UsageFault` WM-CLIENT-STORE for JKS."""
    password = {"ssl.key.password": java["ssl.key.password"]} if "ssl.key.password" in java else {}
    if "ssl.keystore.key" in java:
        chain = java.get("ssl.keystore.certificate.chain", "")
        return {"ssl.key.pem": java["ssl.keystore.key"], "ssl.certificate.pem": chain, **password}
    if "ssl.keystore.location" not in java:
        return {}
    store = (folder / java["ssl.keystore.location"]).resolve()
    match store_kind(store):
        case StoreKind.PEM:
            return {"ssl.key.location": str(store), "ssl.certificate.location": str(store), **password}
        case StoreKind.PKCS12:
            return {"ssl.keystore.location": str(store), "ssl.keystore.password": java.get("ssl.keystore.password", "")}
        case StoreKind.JKS:
            raise UsageFault(
                "WM-CLIENT-STORE",
                f"The key store {store} is JKS, which this client cannot read.",
                hint=f"Convert it ({_to_pkcs12(store)}) and name the new file.",
            )


def store_kind(store: Path) -> StoreKind:
    """What the file is. Raises `UsageFault` WM-CLIENT-FILE if it cannot be read or is none of the three."""
    try:
        with store.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise UsageFault(
            "WM-CLIENT-FILE",
            f"The store {store} cannot be read: {error.strerror}.",
            hint="Relative paths start at the properties file.",
        ) from None
    if head.startswith(_JKS_MAGIC):
        return StoreKind.JKS
    if b"-----BEGIN " in head:
        return StoreKind.PEM
    if head[:1] == bytes([_DER_SEQUENCE]):
        return StoreKind.PKCS12
    raise UsageFault("WM-CLIENT-FILE", f"{store} is no PEM, PKCS12 or JKS store.", hint="Check the file's name.")


def _to_pkcs12(store: Path) -> str:
    target = store.with_suffix(".p12").name
    return f"keytool -importkeystore -srckeystore {store.name} -destkeystore {target} -deststoretype PKCS12"
