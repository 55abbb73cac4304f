"""What an answer says of a vote: shares, sets, abstentions, warnings, near-duplicates."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from indexer.answer import FEW, NO_CASE, TIE, SimilarCase, count_votes
from indexer.votes import Calibration, Conformal, OperatingPoint, Unlike
from indexer.votes.films import VoteFacts, vote_facts
from indexer.votes.verdict import MALIGNANT_WARNING, Polled, Verdict, verdict

CALIBRATION = Calibration(
    30, 0.1, 0.5, 1.0, Conformal(0.9, 0.8, 200), OperatingPoint(0.3, 0.9, 0.91, 0.8, 50, 150), Unlike(0.5, 0.01),
    ("a", "b", "c"), 200, 400, "lesion crops", "archive", "print",
)  # fmt: skip
TABLE = pa.table(
    {
        "entity": ["a", "a", "b", "b", "c", None],
        "malignancy": ["malignant", "malignant", "benign", "benign", "benign", None],
        "stage": ["before treatment"] * 5 + ["after operation"],
        "near_group": pa.array([None, 7, 7, None, None, None], type=pa.int64()),
    }
)


def facts(calibration: Calibration | None = CALIBRATION, near: bool = False) -> VoteFacts:
    table = TABLE if near else TABLE.drop_columns("near_group")
    return vote_facts(table, np.arange(6, dtype=np.int32), 6, calibration, "print")


def judged(
    rows: list[int], similarity: list[float], known: VoteFacts | None = None, k: int = 5, **more: object
) -> Verdict:
    known = known or facts()
    names = [known.entities[known.label[row]] if known.label[row] >= 0 else None for row in rows]
    cases = [
        SimilarCase(n, f"P{row}", like, name, None, None, None, None, None, None, None, ())
        for n, (row, like, name) in enumerate(zip(rows, similarity, names, strict=True), start=1)
    ]
    best = list(zip(rows, similarity, strict=True))
    given = {
        "nearest": similarity[0] if similarity else None,
        "filtered": False,
        "whole": False,
        "nobody": "none",
    } | more
    return verdict(known, count_votes(cases), Polled(best, k=k, **given))  # type: ignore[arg-type]


def test_a_clear_vote_has_calibrated_shares_of_every_entity() -> None:
    found = judged([0, 1, 2], [0.9, 0.8, 0.7])
    assert (found.label, found.abstained, found.reason) == ("a", None, None)
    assert found.shares is not None and list(found.shares) == sorted(found.shares, key=lambda e: -found.shares[e])
    assert sum(found.shares.values()) == pytest.approx(1)
    assert 0 < found.shares["c"] < 0.1  # nobody near has it
    assert found.prediction_set is not None
    assert found.prediction_set.entities == tuple(e for e, share in found.shares.items() if share >= 0.2)
    assert "calibrated on 200 patients of this archive" in found.shares_note


def test_a_set_is_never_empty() -> None:
    strict = replace(CALIBRATION, conformal=Conformal(0.9, 0.0, 200))
    found = judged([0, 2, 4], [0.9, 0.9, 0.9], facts(strict))
    assert found.prediction_set is not None and len(found.prediction_set.entities) == 1


def test_malignant_patients_warn_from_the_operating_point_on() -> None:
    sick, well = judged([0, 1, 2], [0.9, 0.8, 0.7]), judged([2, 3, 4], [0.9, 0.8, 0.7])
    assert sick.malignant is not None and sick.malignant.above and MALIGNANT_WARNING in sick.warnings
    assert well.malignant is not None and not well.malignant.above and MALIGNANT_WARNING not in well.warnings
    benign_majority = judged([2, 3, 0], [0.9, 0.9, 0.9])
    assert benign_majority.label == "b" and MALIGNANT_WARNING in benign_majority.warnings


def test_a_film_unlike_the_archive_has_no_comparable_case() -> None:
    found = judged([0, 1, 2], [0.4, 0.3, 0.2])
    assert found.unlike and (found.label, found.abstained) == (None, NO_CASE)
    assert found.reason is not None and "similarity 0.40, under 0.50" in found.reason
    assert not judged([0, 1, 2], [0.4, 0.3, 0.2], nearest=0.9).unlike  # a filter may leave only far ones


def test_ties_and_few_voters_abstain() -> None:
    assert judged([0, 2, 1, 3], [0.9, 0.9, 0.8, 0.8]).abstained == TIE
    assert judged([0, 2, 1, 3], [0.95, 0.7, 0.9, 0.65]).label == "a"
    assert judged([0, 1], [0.9, 0.8]).abstained == FEW
    assert judged([0], [0.9], k=1).label == "a"
    assert judged([5], [0.9]).abstained == NO_CASE
    assert judged([], []).reason == "none"


def test_without_calibration_the_answer_says_so() -> None:
    found = judged([0, 1, 2], [0.9, 0.8, 0.7], facts(None))
    assert (found.label, found.shares, found.prediction_set, found.likeness, found.malignant) == ("a", *[None] * 4)
    assert found.shares_note.startswith("the shares are not calibrated: fewer than 100 patients")
    other = facts(replace(CALIBRATION, encoder="another"))
    assert other.calibration is None
    assert "made for another encoder (another)" in judged([0, 1, 2], [0.9] * 3, other).shares_note


def test_what_makes_shares_doubtful_is_said() -> None:
    said = judged([0, 1, 2], [0.9, 0.8, 0.7], filtered=True, whole=True).shares_note
    assert "without a filter" in said and "on lesion crops" in said


def test_films_after_treatment_and_shared_ones_count_once() -> None:
    known = facts(near=True)
    assert known.voter[1] == known.voter[2] != known.voter[0]
    assert len(set(known.voter.tolist())) == 5
    assert known.prior.sum() == pytest.approx(1)
    assert known.malignant.tolist() == [True, True, False, False, False, False]
