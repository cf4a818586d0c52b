"""Reading the flights out of their archive."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from demo.archives import CANCELLED, FLOWN, ZIP_NAME, csv_text, tarred, write_archive, zipped
from watermaster.adapters.files import flights
from watermaster.adapters.files.flights import read_flights
from watermaster.stream.fault import WorldFault


def test_rows_become_records_with_real_types(tmp_path: Path) -> None:
    archive = write_archive(tmp_path, tarred(zipped(csv_text(FLOWN, CANCELLED))))
    flown, cancelled = read_flights(archive)
    assert flown.key == b"UA1545-EWR-2013-01-01"
    assert json.loads(flown.value) == {
        "year": 2013, "month": 1, "day": 1, "dep_time": 517, "sched_dep_time": 515, "dep_delay": 2, "arr_time": 830,
        "sched_arr_time": 819, "arr_delay": 11, "carrier": "UA", "flight": 1545, "tailnum": "N14228", "origin": "EWR",
        "dest": "IAH", "air_time": 227, "distance": 1400, "hour": 5, "minute": 15, "time_hour": "2013-01-01T10:00:00Z",
    }  # fmt: skip
    assert cancelled.key == b"MQ3531-LGA-2013-09-30"
    absent = json.loads(cancelled.value)
    assert [name for name in absent if absent[name] is None] == [
        "dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "air_time",
    ]  # fmt: skip


def link_member() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(ZIP_NAME)
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty file"),
        pytest.param(b"no archive at all", id="not a tar"),
        pytest.param(tarred(zipped(csv_text(FLOWN)))[:200], id="cut short"),
        pytest.param(tarred(b"x", name="../flights.csv.zip"), id="another member"),
        pytest.param(link_member(), id="a link in place of the file"),
        pytest.param(tarred(b"no zip"), id="not a zip"),
        pytest.param(tarred(zipped(csv_text(FLOWN), name="other.csv")), id="another file in the zip"),
        pytest.param(tarred(zipped(csv_text(FLOWN, header="year,month"))), id="other columns"),
        pytest.param(tarred(zipped(csv_text("2013,1"))), id="a short row"),
        pytest.param(tarred(zipped(csv_text(FLOWN.replace("2013", "MMXIII", 1)))), id="no number"),
        pytest.param(tarred(zipped(csv_text(FLOWN).replace(b"UA", b"\xff\xfe"))), id="not UTF-8"),
    ],
)
def test_another_file_gives_one_fault(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(WorldFault, match="WM-DEMO-DATA"):
        list(read_flights(write_archive(tmp_path, content)))


@pytest.mark.parametrize("limit", ["ZIP_BYTES_MAX", "CSV_BYTES_MAX"])
def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    archive = write_archive(tmp_path, tarred(zipped(csv_text(*[FLOWN] * 100))))
    assert len(list(read_flights(archive))) == 100
    monkeypatch.setattr(flights, limit, 100)
    with pytest.raises(WorldFault, match="WM-DEMO-DATA"):
        list(read_flights(archive))
