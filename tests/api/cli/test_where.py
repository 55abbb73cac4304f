"""The filter language through `caselink query --where`: judged against the table that was indexed."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.catalogue import FILTER_COLUMNS

Run = Callable[..., Any]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(source: Path) -> list[Row]:
    """The films of the source as its table gives them; age a number or None."""
    with (source / "films.csv").open(encoding="utf-8", newline="") as file:
        return [row | {"age": float(row["age"]) if row["age"] else None} for row in csv.DictReader(file)]


def old(row: Row, judge: Callable[[float], bool]) -> bool:
    """A condition on an age, which an unknown one does not meet."""
    return row["age"] is not None and judge(row["age"])


@pytest.mark.parametrize(
    ("where", "passes"),
    [
        ("age = 12", lambda row: old(row, lambda age: age == 12)),
        ("age <> 12", lambda row: old(row, lambda age: age != 12)),
        ("age < 12", lambda row: old(row, lambda age: age < 12)),
        ("age <= 12.0", lambda row: old(row, lambda age: age <= 12)),
        ("age > 12", lambda row: old(row, lambda age: age > 12)),
        ("age >= 1.2e1", lambda row: old(row, lambda age: age >= 12)),
        ("age between 10 and 13", lambda row: old(row, lambda age: 10 <= age <= 13)),
        ("age in (9, 13, 999)", lambda row: old(row, lambda age: age in {9, 13})),
        ("age not in (9, 13)", lambda row: old(row, lambda age: age not in {9, 13})),
        ("age is null", lambda row: row["age"] is None),
        ("age is not null", lambda row: row["age"] is not None),
        ("not (age < 12)", lambda row: old(row, lambda age: age >= 12)),
        ("taken >= '2019-02-14'", lambda row: row["date"] >= "2019-02-14"),
        ("entity in ('osteosarcoma', 'enchondroma')", lambda row: row["entity"] != "osteochondroma"),
        (
            "sex = 'F' or age > 20 and view <> 'lateral'",
            lambda row: row["sex"] == "F" or (old(row, lambda age: age > 20) and row["view"] != "lateral"),
        ),
        (
            "(sex = 'F' or age > 20) and not view = 'lateral'",
            lambda row: (row["sex"] == "F" or old(row, lambda age: age > 20)) and row["view"] != "lateral",
        ),
        (
            "AGE Between 10 AND 13 And SEX In ('M')",
            lambda row: row["sex"] == "M" and old(row, lambda age: 10 <= age <= 13),
        ),
    ],
)
def test_each_operator_finds_the_patients_that_the_table_says(
    caselink: Run, archive: Path, source: Path, rows: list[Row], where: str, passes: Callable[[Row], bool]
) -> None:
    film, options = source / "p00-0.png", ["-k", 15, "--include-self", "--all-stages", "--json"]
    found = caselink("query", film, "--archive", archive, "--where", where, *options).json()
    wanted = [row for row in rows if passes(row)]
    assert 0 < len(wanted) < len(rows)  # else the filter is not put to the test
    assert len(found["cases"]) == len({row["patient_id"] for row in wanted})
    assert sum(len(case["films"]) for case in found["cases"]) == len(wanted)
    counts = {sex: len({row["patient_id"] for row in wanted if row["sex"] == sex}) for sex in "FM"}
    assert {sex: sum(case["sex"] == sex for case in found["cases"]) for sex in "FM"} == counts


@pytest.mark.parametrize(
    ("where", "position", "cure"),
    [
        ("age != 3", 5, "write <> for unequal"),
        ("age == 3", 6, "expected a literal"),
        ("age = null", 7, "write 'is null' or 'is not null'"),
        ("age like 3", 5, "expected an operator"),
        ("age > '3'", 7, "write a number without quotes"),
        ("sex = F", 7, "put text in single quotes"),
        ('sex = "F"', 7, "text in single quotes"),
        ("(age > 3", 8, "expected ')'"),
        ("age > 3)", 8, "expected 'and' or 'or' or the end"),
        ("age > 3 and", 11, "expected a column's name"),
        ("3 < age", 1, "put the column left of the operator"),
        ("agee > 3", 1, "did you mean 'age'?"),
        ("sex = 'F' union select 1", 11, "expected 'and' or 'or' or the end"),
        ("sex = 'F' or 1=1 --", 14, "expected a column's name"),
        ("lower(sex) = 'f'", 6, "expected an operator"),
        ("patients.sex = 'F'", 9, ""),
        ("taken < '2019'", 9, "write a day of the calendar as '2019-12-31'"),
    ],
)
def test_anything_else_is_refused_at_its_place_with_the_cure(
    caselink: Run, archive: Path, source: Path, where: str, position: int, cure: str
) -> None:
    said = caselink("query", source / "p00-0.png", "--archive", archive, "--where", where).refusal()
    assert f" at character {position}; " in said
    assert cure in said


def test_an_unknown_column_lists_those_there_are(caselink: Run, archive: Path, source: Path) -> None:
    said = caselink("query", source / "p00-0.png", "--archive", archive, "--where", "colour = 1").refusal()
    assert f"the columns are {', '.join(FILTER_COLUMNS)}" in said
