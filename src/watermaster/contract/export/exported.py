"""What comes of an export to a schema language, and what none of them has words for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from watermaster.contract.checks import Checks

JsonSchema: TypeAlias = dict[str, Any]
AvroSchema: TypeAlias = dict[str, Any]
AvroType: TypeAlias = AvroSchema | str


@dataclass(frozen=True, slots=True)
class Exported:
    """The schema, and a sentence for each thing that the contract asks and the schema does not."""

    schema: dict[str, Any]
    left_out: tuple[str, ...]


def beyond_every_schema(checks: Checks) -> Iterator[str]:
    """What the contract asks of more than one value."""
    for rule in checks.rules:
        yield f"{rule.path}: the rule {rule.id} is an expression across fields"
    if checks.key.required or checks.key.check is not None:
        yield "key: a schema of values does not speak of the record's key"
    yield from checks.unjudged
