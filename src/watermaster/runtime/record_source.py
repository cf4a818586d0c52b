"""Records at rest, wherever they lie: a port that hands them over in batches, each as the JSON text that it would be.

There is one judge and one reading of a record, so a row becomes the text that a producer would have sent: whatever it
is stored in, the same record gets the same verdict, and nothing is judged twice in two ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from watermaster.contract.checks import Checks, FieldCheck

CHUNK_RECORDS: Final = 500
CHUNK_BYTES: Final = 8 * 1024 * 1024
"""A chunk is closed by whichever comes first, so that memory is bounded by one chunk and one record."""
ALIKE_FIRST: Final = 20
"""Of records that are judged alike at least so many have texts, those that come first: reports show some of them."""


class Form(Enum):
    """How records are stored."""

    JSON_LINES = "jsonl"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    AVRO = "avro"

    @property
    def title(self) -> str:
        """For sentences."""
        return {"jsonl": "JSON lines", "json": "JSON", "csv": "CSV", "parquet": "Parquet", "avro": "Avro"}[self.value]


class Store(Enum):
    """What holds records that lie in no file."""

    TABLE = "table"
    TOPIC = "topic"

    @property
    def title(self) -> str:
        """For sentences."""
        return f"a {self.value}"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one file that can be read alone: bytes `[start, stop)` of JSON lines, rows of Parquet, or all of it.

    Of a table or topic, `file` is its name, and of a topic start and stop are offsets. `stop` None is the end. `size`
    is a measure of the work, for progress: bytes, or offsets of a topic.
    """

    file: str
    form: Form | Store
    start: int = 0
    stop: int | None = None
    size: int = 0


@dataclass(slots=True)
class Chunk:
    """Records in the order of the file, as parallel lists.

    `numbers` are counted from 1 inside the part: lines of a text file, else records; of a topic they are offsets.
    `refused` has reason codes by index for what is no record and has no text (its value is empty). `read` counts the
    part's size read so far.
    """

    numbers: list[int] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    refused_keys: dict[int, str] = field(default_factory=dict)
    """The same for keys, where records have some."""
    byte_count: int = 0
    read: int = 0
    blank_lines: int = 0
    last_number: int = 0
    """The number of the last line or record that was passed over or taken; the next part counts on from here."""
    passing: int = 0
    """Records beside these that surely pass what `Reading.judged_by` asks; they are counted and have no text."""
    alike: dict[int, int] = field(default_factory=dict)
    """By index of a record how many more are surely judged as it is; those are counted and have no text."""
    keys: list[bytes | None] | None = None
    """Of a topic's records; None where records have no keys."""

    def add(self, number: int, value: bytes) -> None:
        """One record more."""
        self.numbers.append(number)
        self.values.append(value)
        self.byte_count += len(value)
        self.last_number = number

    def refuse(self, number: int, code: str) -> None:
        """One more that is no record; `code` is one of `gate.reasons.REASONS`."""
        self.refused[len(self.values)] = code
        self.add(number, b"")

    @property
    def is_full(self) -> bool:
        """Whether it is time to hand it over."""
        return len(self.values) >= CHUNK_RECORDS or self.byte_count >= CHUNK_BYTES


class ManyTexts(Exception):
    """More records of a part must be texts than its reader was asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read: the shape tells what the texts of a CSV file are meant to be; without one they stay texts."""

    shape: FieldCheck | None = None
    value_bytes_max: int = 16 * 1024 * 1024
    """Of a longer record only so much is kept that it is seen to be beyond the limit."""
    judged_by: Checks | None = None
    """A reader may leave out records that surely pass these checks, and all but the first `ALIKE_FIRST` of those that
    are surely judged alike. None: every record is wanted."""
    texts_max: int | None = None
    """A reader that leaves out records raises `ManyTexts`, before anything else, if more than so many are left."""


class RecordSource(Protocol):
    """Files or tables of records."""

    def parts(self) -> Sequence[Part]:
        """The pieces, in the order in which a report names them. Raises UsageFault or WorldFault."""
        ...

    def read(self, part: Part, reading: Reading) -> Iterator[Chunk]:
        """All of one part. Raises WorldFault, with file and line or row, where reading cannot go on."""
        ...
