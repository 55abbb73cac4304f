"""The types that go over HTTP are those that the archive makes."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from api import schemas
from api.routes import examples
from engine.said import Said
from indexer.answer import Answer
from indexer.archive import Archive
from indexer.facts import archive_facts
from indexer.manifest import SourceFacts
from indexer.patients import FILM_FIELDS, patient_history


def names(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_a_search_answer_is_the_answer_and_its_queries() -> None:
    assert names(schemas.SearchAnswer) == names(Answer) | {"queries"}


def test_films_of_a_history_are_what_the_archive_tells() -> None:
    assert names(schemas.FilmFacts) == set(FILM_FIELDS)
    assert names(schemas.SourceFacts) == names(SourceFacts)


def test_what_the_archive_makes_is_what_is_promised(archive: Path) -> None:
    with Archive(archive) as opened:
        snapshot = opened.snapshot
        facts = archive_facts(snapshot) | {"notice": "n", "limits": {"max_films": 1, "max_upload_mib": 1}}
        history = patient_history(snapshot, snapshot.patients[0]) | {"notice": "n", "audit": None}
    for kind, made in ((schemas.ArchiveFacts, facts), (schemas.PatientHistory, history)):
        assert set(made) == names(kind)
        adapter = TypeAdapter(kind)
        strict = adapter.validate_python(json.loads(json.dumps(made, default=str)))
        assert json.loads(adapter.dump_json(strict)).keys() == made.keys()


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (schemas.SearchAnswer, examples.ANSWER),
        (schemas.PatientHistory, examples.HISTORY),
        (schemas.ArchiveFacts, examples.ARCHIVE),
        (schemas.Health, examples.HEALTH),
        (schemas.Ready, examples.READY),
        (schemas.ProblemKind, examples.PROBLEM_KIND),
    ],
)
def test_examples_come_back_as_they_went(kind: Any, example: dict[str, Any]) -> None:
    adapter = TypeAdapter(kind)
    found = json.loads(adapter.dump_json(adapter.validate_python(example)))
    assert found == example


def test_a_problem_comes_back_as_it_went_and_knows_its_sentence() -> None:
    problem = schemas.Problem.model_validate_json(json.dumps(examples.BAD_FILTER))
    assert problem.model_dump(mode="json", exclude_none=True) == examples.BAD_FILTER
    assert (problem.said, problem.said.code) == (examples.BAD_FILTER["detail"], "filter_refused")
    assert isinstance(problem.said.values["cure"], Said) and problem.said.values["cure"].code == "one_condition"


def test_every_name_is_there() -> None:
    assert all(vars(schemas)[name] for name in schemas.__all__)
