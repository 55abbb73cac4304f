from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_archive_lists_the_columns_a_filter_may_name(caselink: Run, archive: Path) -> None:
    facts = caselink("archive", "--archive", archive, "--json").json()
    assert (facts["films"], facts["patients"], facts["title"]) == (30, 15, "Hospital films")
    shown = caselink("archive", "--archive", archive)
    assert max(map(len, shown.out.splitlines())) <= 80
    for column in facts["columns"]:
        assert f" {column['name']} " in shown.out
        where = f"{column['name']} is null or {column['name']} is not null"
        done = caselink("evaluate", "--archive", archive, "--resamples", 0, "--where", where, "--json", "-")
        assert done.json()["manifest"]["n_archive_films"] == 30


def test_unknown_values_and_ages_read_as_people_write_them(caselink: Run, unsure: Path) -> None:
    shown = caselink("archive", "--archive", unsure).out
    (ages,) = (" ".join(line.split()) for line in shown.splitlines() if "│ age " in line)
    assert ages == "│ age │ number │ unknown (2), 12 (1), 12.5 (1) │"
    (sexes,) = (" ".join(line.split()) for line in shown.splitlines() if "│ sex " in line)
    assert sexes == "│ sex │ text │ unknown (3), F (1) │"
    assert "None" not in shown
    columns = caselink("archive", "--archive", unsure, "--json").json()["columns"]
    (values,) = (column["values"] for column in columns if column["name"] == "age")
    assert [value["value"] for value in values] == [None, "12", "12.5"]


def test_each_value_shown_may_be_put_into_a_filter(caselink: Run, archive: Path, source: Path) -> None:
    columns = caselink("archive", "--archive", archive, "--json").json()["columns"]
    quote = {"text": "'{}'", "date": "'{}'", "number": "{}", "integer": "{}"}
    for column in columns:
        for value in column["values"][:2]:
            literal = quote[column["type"]].format(value["value"])
            condition = "is null" if value["value"] is None else f"= {literal}"
            options = ["--where", f"{column['name']} {condition}", "-k", 15, "--include-self", "--all-stages", "--json"]
            found = caselink("query", source / "p00-0.png", "--archive", archive, *options).json()
            assert sum(len(case["films"]) for case in found["cases"]) == value["films"], condition


def test_counts_of_a_column_are_those_a_filter_finds(caselink: Run, archive: Path) -> None:
    facts = caselink("archive", "--archive", archive, "--json").json()
    sexes = next(column["values"] for column in facts["columns"] if column["name"] == "sex")
    assert sexes == [{"value": "F", "films": 16}, {"value": "M", "films": 14}]


def test_patient_tells_the_history_under_its_pseudonym(caselink: Run, archive: Path, source: Path) -> None:
    case = caselink("query", source / "p02-0.png", "--archive", archive, "-k", 1, "--json").json()["cases"][0]
    told = caselink("patient", case["patient"], "--archive", archive, "--json").json()
    assert told["patient"] == case["patient"]
    assert [event["text"] for event in told["events"]] == ["well"]
    assert len(told["films"]) == 2
    shown = caselink("patient", case["patient"], "--archive", archive)
    assert "osteosarcoma, femur, L; proven by histology" in shown.out
    assert "2021-01-01  follow-up: well" in shown.out
    assert "film " in shown.out


def test_a_patient_of_whom_little_is_known(caselink: Run, unsure: Path, source: Path) -> None:
    cases = caselink("query", source / "p09-0.png", "--archive", unsure, "-k", 4, "--json").json()["cases"]
    told = [caselink("patient", case["patient"], "--archive", unsure).out for case in cases]
    assert not any("None" in text for text in told)
    assert sum("osteosarcoma; how it was proven is unknown" in text for text in told) == 1
    assert sum("no diagnosis on file" in text for text in told) == 3


def test_nobody_by_that_name(caselink: Run, archive: Path) -> None:
    said = caselink("patient", "P02", "--archive", archive).refusal()
    assert said == "the archive has no patient 'P02'; take the pseudonym from an answer"


@pytest.mark.parametrize("command", [["archive"], ["report"], ["patient", "P1"]])
def test_no_archive_there(caselink: Run, tmp_path: Path, command: list[str]) -> None:
    assert "holds no archive; make one with" in caselink(*command, "--archive", tmp_path / "none").refusal()
    assert not (tmp_path / "none").exists()


def test_a_wrong_setting_is_one_sentence(
    caselink: Run, archive: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASELINK_THREADS", "many")
    said = caselink("query", source / "p02-0.png", "--archive", archive).refusal()
    assert said.startswith("CASELINK_THREADS = 'many': ")
