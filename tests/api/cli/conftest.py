"""Runs commands as a shell would, in this process: arguments in, exit code and what was printed out."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli import main
from api.settings import settings


@dataclass(frozen=True)
class Ran:
    """code: exit status. out, err: what was printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def refusal(self) -> str:
        """The one sentence on stderr."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert self.out == ""
        assert self.err.endswith("\n")
        line = self.err.removesuffix("\n")
        assert "\n" not in line, self.err
        assert line.startswith("caselink: ")
        assert "Traceback" not in line
        return line.removeprefix("caselink: ")


@pytest.fixture
def unsure(tmp_path: Path, source: Path, bench: Any) -> Path:
    """Four films of four patients of whom little is known."""
    films = tmp_path / "unsure"
    films.mkdir()
    rows = ["file,patient_id,entity,age,sex", "a.png,1,,12,F", "b.png,2,,12.5,", "c.png,3,osteosarcoma,,", "d.png,4,,,"]
    for row, number in zip(rows[1:], range(4), strict=True):
        shutil.copy(source / f"p0{number}-0.png", films / row.split(",")[0])
    (films / "films.csv").write_text("\n".join(rows), encoding="utf-8")
    bench.index(films, tmp_path / "unsure archive")
    return tmp_path / "unsure archive"


@pytest.fixture
def caselink(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], encoder_cache: Path, tmp_path: Path
) -> Iterator[Callable[..., Ran]]:
    """`caselink("query", film, "--archive", archive)`; the encoders' cache is that of the tests."""
    monkeypatch.setenv("CASELINK_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "80")
    encoder_cache.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "encoders").symlink_to(encoder_cache)
    monkeypatch.setenv("CASELINK_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["caselink", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    yield run
    settings.cache_clear()
