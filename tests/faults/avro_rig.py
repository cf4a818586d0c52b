"""A gate over an Avro stream: keys and values name schemas of a real registry in every way that Confluent knows."""

from __future__ import annotations

import io
import json
import urllib.request
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import fastavro
import yaml
from tests.faults.rig import CONTRACT, PRICE_MAX, GateRig

from watermaster.testing.kafka import KafkaCluster
from watermaster.testing.port import reserve_port
from watermaster.testing.registry import RegistryServer
from watermaster.testing.registry_proxy import RegistryProxy

CUSTOMER: Any = {"type": "record", "name": "Customer", "fields": [{"name": "customer", "type": "string"}]}
ORDER: Any = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "customer", "type": "string"},
        {"name": "price", "type": "int"},
        {"name": "pad", "type": ["null", "string"]},
        {"name": "by", "type": "Customer"},
    ],
}
ENCODED = """
      - {property: encoding, value: avro, vendor: watermaster}
      - {property: key, value: {encoding: avro, logicalType: integer}, vendor: watermaster}"""


def encoded(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


class AvroRig(GateRig):
    """The registry is asked through a proxy that may misbehave, and that knows the schema's GUID."""

    def __init__(
        self,
        cluster: KafkaCluster,
        directory: Path,
        name: str,
        server: RegistryServer,
        proxy: RegistryProxy,
        *,
        partitions: int = 3,
    ) -> None:
        self.proxy = proxy
        self.port = reserve_port()
        stem = f"{name}-{uuid4().hex[:8]}"
        server.register(f"{stem}-customer", CUSTOMER)
        references = [("Customer", f"{stem}-customer", 1)]
        self.value_id = server.register(f"{stem}-value", {**ORDER, "doc": stem}, references=references)
        self.key_id = server.register(f"{stem}-key", "long")
        self.guid = uuid4()
        told = server.get(f"/schemas/ids/{self.value_id}")
        proxy.answer(f"/schemas/guids/{self.guid}", told)
        self._schema_told = told
        named: dict[str, Any] = {}
        fastavro.parse_schema(CUSTOMER, named_schemas=named)
        self._parsed = fastavro.parse_schema(ORDER, named_schemas=named)
        super().__init__(cluster, directory, name, partitions=partitions)

    def close(self) -> None:
        """No gate is left running."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.port.release()

    def heal(self) -> None:
        """The registry is whole again, and knows the GUID."""
        self.proxy.heal()
        self.proxy.answer(f"/schemas/guids/{self.guid}", self._schema_told)

    def write_contract(self, version: str, *, price_max: int = PRICE_MAX, budget: float = 0.5) -> None:
        text = CONTRACT.format(version=version, price_max=price_max, budget=budget)
        head, tail = text.split("    quality:", 1)
        (self.directory / "contracts" / "orders.odcs.yaml").write_text(f"{head.rstrip()}{ENCODED}\n    quality:{tail}")

    def configure(self, bootstrap: str | None = None, **more: object) -> None:
        super().configure(bootstrap, **{"metrics_listen": f"127.0.0.1:{self.port.number}", **more})
        document = yaml.safe_load(self.config.read_text())
        document["clusters"]["test"]["registry"] = "main"
        document["registries"] = {"main": {"url": self.proxy.url, "timeout_ms": 1000, "unknown_wait_ms": 3000}}
        self.config.write_text(yaml.safe_dump(document))

    def record(self, number: int, price: int) -> tuple[bytes | None, bytes, list[tuple[str, bytes]]]:
        customer = f"c-{number % 977}"
        value = {"id": number, "customer": customer, "price": price, "pad": "x" * 100, "by": {"customer": customer}}
        key = None if number % 11 == 0 else frame(self.key_id) + encoded("long", number % 4096)
        return key, *self.framed(encoded(self._parsed, value), number)

    def framed(self, content: bytes, number: int = 0) -> tuple[bytes, list[tuple[str, bytes]]]:
        """Bytes of an order and headers: in turn by number, by number again, by GUID, by GUID in the header."""
        match number % 4:
            case 0 | 1:
                return frame(self.value_id) + content, []
            case 2:
                return named(self.guid) + content, []
            case _:
                return content, [("__value_schema_id", named(self.guid))]

    def order(self, **changes: Any) -> bytes:
        """One order behind a frame."""
        value = {"id": 1, "customer": "c-1", "price": 1, "pad": None, "by": {"customer": "c-1"}} | changes
        return frame(self.value_id) + encoded(self._parsed, value)

    def conditions(self) -> dict[str, str]:
        """Codes by condition, as the health endpoint tells them; empty while it cannot be asked."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port.number}/health") as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                body = json.load(error)
        except OSError:
            return {}
        return {condition["name"]: condition["code"] for condition in body["conditions"]}

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port.number}/metrics") as answer:
            text: str = answer.read().decode()
        return text


def frame(number: int) -> bytes:
    return b"\0" + number.to_bytes(4, "big")


def named(guid: UUID) -> bytes:
    return b"\x01" + guid.bytes
