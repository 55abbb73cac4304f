"""`caselink verify` and `caselink erase` at the door."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.settings import settings
from indexer.journal import PLACE, Journal, make_case, opened, turned_out
from indexer.manifest import read_manifest

Run = Callable[..., Any]


@pytest.fixture
def own(copied: Callable[[], Path]) -> Path:
    return copied()


def patient_of(caselink: Run, archive: Path, film: Path) -> str:
    found = caselink("query", film, "--archive", archive, "-k", 1, "--include-self", "--json").json()
    return str(found["cases"][0]["patient"])


def test_a_whole_archive(caselink: Run, own: Path, tmp_path: Path) -> None:
    (own / "notes.txt").write_text("x")
    done = caselink("verify", "--archive", own)
    assert done.code == 0
    assert "stray: notes.txt: not of this archive" in done.out
    assert f"{own} is whole: version {read_manifest(own).version}, " in done.out
    told = caselink("verify", "--archive", own, "--json", "-").json()
    assert (told["whole"], told["findings"], told["repairs"]) == (True, [], [])
    assert caselink("verify", "--archive", own, "--json", tmp_path / "found.json").out == ""
    assert json.loads((tmp_path / "found.json").read_text()) == told


def test_a_damaged_archive_and_its_repair(caselink: Run, own: Path) -> None:
    (own / "encoder" / "card.json").write_text("{}")
    (pack,) = (own / "films").iterdir()
    pack.write_bytes(pack.read_bytes()[:-1])
    done = caselink("verify", "--archive", own)
    assert done.code == 1
    assert "changed: encoder/card.json: encoder/card.json has changed" in done.out
    assert "short: films/000000.pack: " in done.out
    assert "is NOT whole: 2 findings" in done.out
    mended = caselink("verify", "--archive", own, "--repair")
    assert mended.code == 1
    assert "\nnot mended: films/000000.pack: there is no second copy" in f"\n{mended.out}"
    assert "\nmended: encoder/card.json: written anew" in f"\n{mended.out}"
    assert "is NOT whole: 1 findings" in mended.out


def test_verify_says_where_there_is_no_archive(caselink: Run, tmp_path: Path) -> None:
    assert "holds no archive" in caselink("verify", "--archive", tmp_path / "none").refusal()
    assert "holds no archive" in caselink("verify", "--repair", "--archive", tmp_path / "none").refusal()
    assert not (tmp_path / "none").exists()


def test_an_erased_patient_answers_no_more(caselink: Run, own: Path, source: Path) -> None:
    patient = patient_of(caselink, own, source / "p02-0.png")
    done = caselink("erase", patient, "--archive", own)
    assert done.code == 0
    assert f"erased {patient}: 2 films, 1 lesions, 1 events" in done.out
    assert "indexing them again brings the patient back" in done.out
    assert (source / "p02-0.png").as_uri() in done.out
    assert (source / "p02-0.png").exists()
    assert "the archive has no patient" in caselink("patient", patient, "--archive", own).refusal()
    assert patient_of(caselink, own, source / "p02-0.png") != patient
    assert caselink("archive", "--archive", own, "--json").json()["films"] == 28
    assert caselink("verify", "--archive", own).code == 0
    assert "holds nothing of a patient" in caselink("erase", patient, "--archive", own).refusal()
    assert caselink("index", source, "--archive", own, "--json").json()["embedded"] == 2
    assert patient_of(caselink, own, source / "p02-0.png") == patient


def test_erase_as_json(caselink: Run, own: Path, source: Path) -> None:
    patient = patient_of(caselink, own, source / "p03-0.png")
    before = read_manifest(own).version
    told = caselink("erase", patient, "--archive", own, "--json").json()
    assert (told["patient"], told["films"], told["vectors"], told["pictures"]) == (patient, 2, 2, 2)
    assert (told["version"], told["shared"], told["taught"], len(told["originals"])) == (before + 1, 0, 0, 2)


def test_nobody_is_erased_where_there_is_no_archive(caselink: Run, tmp_path: Path) -> None:
    assert "holds no archive" in caselink("erase", "P1", "--archive", tmp_path / "none").refusal()
    assert not (tmp_path / "none").exists()


def test_an_erased_patient_leaves_the_journal_too(caselink: Run, own: Path, source: Path) -> None:
    patient = patient_of(caselink, own, source / "p02-0.png")
    journal = Journal(own / PLACE)
    opened(journal, "anna", patient)
    query = hashlib.sha256((source / "p02-1.png").read_bytes()).hexdigest()
    turned_out(journal, "anna", query, "osteosarcoma")
    make_case(journal, "anna", "of nobody here", patient="P" + "e" * 16)
    told = caselink("verify", "--archive", own, "--json", "-").json()
    assert told["whole"] and not [one for one in told["strays"] if one["path"].startswith("private")]
    done = caselink("erase", patient, "--archive", own)
    assert f"erased {patient} from the journal: 0 board cases" in done.out
    assert "1 pieces of feedback; named no more in 0 texts and 1 entries" in done.out
    assert patient.encode() not in (own / PLACE).read_bytes()
    only = caselink("erase", "P" + "e" * 16, "--archive", own, "--json").json()
    assert (only["journal"]["cases"], "films" in only) == (1, False)
    assert "holds nothing of a patient" in caselink("erase", "P" + "e" * 16, "--archive", own).refusal()


def test_a_damaged_journal_is_found(caselink: Run, own: Path) -> None:
    (own / PLACE).write_bytes(b"no journal " * 1000)
    done = caselink("verify", "--archive", own)
    assert done.code == 1
    assert "changed: private/journal.sqlite: journal.sqlite is damaged" in done.out


def test_a_journal_in_another_place(caselink: Run, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASELINK_JOURNAL", str(tmp_path / "elsewhere.sqlite"))
    settings.cache_clear()
    opened(Journal(tmp_path / "elsewhere.sqlite"), "anna", "P" + "e" * 16)
    assert caselink("erase", "P" + "e" * 16, "--archive", own, "--json").json()["journal"]["audit"] == 1
    assert not (own / PLACE).exists()
