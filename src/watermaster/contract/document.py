"""Reading a contract: bytes -> plain data that is valid ODCS v3.2, or the problems with line and path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from watermaster.contract.activation import CONTRACT_BYTES_MAX
from watermaster.contract.official_schema import official_schema
from watermaster.contract.problem import Position, Problem, ProblemCode, locate, quoted
from watermaster.contract.schema_problems import Judged, schema_problems
from watermaster.contract.yaml_text import Json, read_yaml


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A contract document as plain data, with the place of each part, and what is wrong with it.

    `content_hash` is `sha256:<hex>` of the exact bytes. Only a result without problems may be compiled. `document`
    keeps everything, other vendors' extensions too; it is shared and must not be changed.
    """

    source: str
    content_hash: str
    document: Mapping[str, Json] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def problem(self, code: ProblemCode, message: str, hint: str, path: str) -> Problem:
        """A problem at a path of this document, with line and column."""
        place = locate(self.positions, path)
        line, column = (place.line, place.column) if place else (None, None)
        return Problem(code, message, hint, self.source, line, column, path)


def content_hash(data: bytes) -> str:
    """`sha256:<hex>` of the exact bytes: a comment or a blank more is another contract."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def read_contract(data: bytes, source: str) -> ReadResult:
    """Read and check one document; `source` is what messages call it (a file name). Never raises for bad bytes."""
    digest = content_hash(data)
    if len(data) > CONTRACT_BYTES_MAX:
        message = f"the contract is larger than {CONTRACT_BYTES_MAX} bytes"
        hint = "It must fit into one Kafka record; split it by stream."
        return ReadResult(source, digest, problems=(Problem(ProblemCode.YAML_SIZE, message, hint, source),))
    read = read_yaml(data, source)
    if read.problems:
        return ReadResult(source, digest, {}, read.positions, read.problems)
    if not isinstance(read.data, dict) or not read.data:
        code = ProblemCode.YAML_EMPTY if not read.data else ProblemCode.NOT_A_CONTRACT
        message = "the file is empty" if read.data is None else "the document is no mapping of keys to values"
        hint = "A contract starts with `apiVersion: v3.2.0` and `kind: DataContract`."
        return ReadResult(source, digest, {}, read.positions, (Problem(code, message, hint, source, 1, 1),))
    result = ReadResult(source, digest, read.data, read.positions)
    problems = _generation(result) or schema_problems(Judged(official_schema(), read.data, source, read.positions))
    return ReadResult(source, digest, read.data, read.positions, problems)


def _generation(result: ReadResult) -> tuple[Problem, ...]:
    """One sentence for documents that are something else altogether, in place of a dump of their keys."""
    version = result.document.get("apiVersion")
    if isinstance(version, str) and version.startswith("v2"):
        message = f"this is an ODCS document of version {quoted(version)}, whose structure is another"
        hint = "Migrate it to `apiVersion: v3.2.0`."
        return (result.problem(ProblemCode.VERSION, message, hint, "$.apiVersion"),)
    if "dataContractSpecification" in result.document:
        message = "this is a document of the Data Contract Specification, which ODCS has replaced"
        hint = "Convert it (`datacontract export --format odcs`)."
        return (result.problem(ProblemCode.NOT_A_CONTRACT, message, hint, "$.dataContractSpecification"),)
    return ()
