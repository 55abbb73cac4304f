"""A newcomer's session on a SYNTHETIC DICOM source, command after command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from filelock import FileLock

from indexer.evaluation import load_schema
from indexer.synthetic import LESION, generate

Run = Callable[..., Any]
PATIENTS = 12


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("session") / "films"
    generate(folder, n_patients=PATIENTS, seed=1, workers=1)
    return folder


def test_index_query_evaluate_report_archive_patient(caselink: Run, made: Path, tree_hash: Run) -> None:
    archive = made.parent / "archive"
    queries = sorted((made / "query").glob("*.dcm"))
    report = caselink("index", made, "--archive", archive, "--roi", "mask", "--json").json()
    assert report["found"] == report["indexed"] + report["duplicate"] + len(report["left_out"])
    assert report["embedded"] == report["indexed"] >= PATIENTS
    assert (report["synthetic"], report["left_out"]) == (True, [])
    before = tree_hash(archive)

    mask = queries[0].with_name(queries[0].stem + LESION)
    found = caselink("query", queries[0], "--archive", archive, "--mask", mask, "-k", 3, "--json").json()
    assert len(found["cases"]) == 3
    assert found["manifest"]["synthetic"] is True
    assert not found["warnings"], found["warnings"]
    shown = caselink("query", queries[0], "--archive", archive, "-k", 3)
    assert "SYNTHETIC" in shown.out
    assert "draw the lesion for a vote" in " ".join(shown.out.split())

    figures = caselink("evaluate", "--archive", archive, "--by", "sex", "--resamples", 20, "--json", "-").json()
    jsonschema.Draft202012Validator(load_schema()).validate(figures)
    assert figures["groups"]["all"]["n_films"] == report["indexed"]
    assert "SYNTHETIC" in caselink("evaluate", "--archive", archive, "--resamples", 0).out

    assert f"{report['found']} films found: {report['found']} indexed" in caselink("report", "--archive", archive).out
    told = caselink("archive", "--archive", archive)
    assert "SYNTHETIC" in told.out
    assert f"{report['indexed']} films of {PATIENTS} patients" in told.out
    history = caselink("patient", found["cases"][0]["patient"], "--archive", archive)
    assert "SYNTHETIC" in history.out
    assert "presentation: " in history.out
    assert tree_hash(archive) == before

    again = caselink("index", made, "--archive", archive, "--roi", "mask", "--json").json()
    assert (again["embedded"], again["indexed"]) == (0, report["indexed"])


def test_two_writers_at_once(caselink: Run, copied: Run, source: Path, tree_hash: Run) -> None:
    archive = copied()
    before = tree_hash(archive)
    with FileLock(archive / "writer.lock"):
        said = caselink("index", source, "--archive", archive).refusal()
        assert said.startswith("another process is writing")
        assert "wait until it has ended" in said
    before.pop("writer.lock", None)
    after = tree_hash(archive)
    after.pop("writer.lock", None)
    assert after == before


def test_another_encoder_is_refused_before_anything_is_written(
    caselink: Run, copied: Run, source: Path, tree_hash: Run
) -> None:
    archive = copied()
    card = archive / "encoder" / "card.json"
    card.write_text(card.read_text(encoding="utf-8").replace("0.5", "0.4"), encoding="utf-8")
    before = tree_hash(archive)
    assert "the archive was made with default" in caselink("index", source, "--archive", archive).refusal()
    after = tree_hash(archive)
    for hashes in (before, after):
        hashes.pop("writer.lock", None)
    assert after == before
