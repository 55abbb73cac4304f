"""The vote: one rule for answers and evaluation, held against counting by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from indexer.answer import TIE_RULE, SimilarCase, count_votes, wilson
from indexer.evaluation import voting

ENTITIES = ("a", "b", "c", "d")

cases_of = st.lists(
    st.tuples(
        st.integers(-(2**12), 2**12).map(lambda n: n / 2**12), st.sampled_from([*ENTITIES, *ENTITIES, None])
    ),
    max_size=12,
)  # fmt: skip


def case(rank: int, similarity: float, entity: str | None) -> SimilarCase:
    return SimilarCase(rank, f"P{rank}", similarity, entity, None, None, None, None, None, None, None, ())


def ranked(pairs: list[tuple[float, str | None]]) -> list[SimilarCase]:
    nearest = sorted(pairs, key=lambda pair: -pair[0])
    return [case(rank, *pair) for rank, pair in enumerate(nearest, start=1)]


def winner_by_hand(cases: list[SimilarCase]) -> str | None:
    best: tuple[int, float, int] | None = None
    winner = None
    for entity in ENTITIES:
        votes, total, nearest = 0, 0.0, 99
        for each in cases:
            if each.entity == entity:
                votes += 1
                total += each.similarity
                nearest = min(nearest, each.rank)
        if votes and (best is None or (votes, total, -nearest) > best):
            best, winner = (votes, total, -nearest), entity
    return winner


@given(cases_of)
def test_agrees_with_counting_by_hand(pairs: list[tuple[float, str | None]]) -> None:
    cases = ranked(pairs)
    ballots = count_votes(cases)
    assert (ballots[0].entity if ballots else None) == winner_by_hand(cases)
    assert {ballot.entity: ballot.patients for ballot in ballots} == {
        entity: sum(each.entity == entity for each in cases)
        for entity in ENTITIES
        if any(each.entity == entity for each in cases)
    }
    assert sum(ballot.share for ballot in ballots) == pytest.approx(1 if ballots else 0)
    assert [ballot.patients for ballot in ballots] == sorted((b.patients for b in ballots), reverse=True)


@given(cases_of)
def test_agrees_with_the_evaluation(pairs: list[tuple[float, str | None]]) -> None:
    voters = [each for each in ranked(pairs) if each.entity is not None]
    labels = [ENTITIES.index(each.entity) for each in voters if each.entity]
    places = 13
    empty = places - len(voters)
    found = voting.vote(
        np.array([labels + [voting.NOBODY] * empty], dtype=np.int64),
        np.array([[each.similarity for each in voters] + [0] * empty], dtype=np.float32),
    )[0]
    ballots = count_votes(voters)
    assert (ENTITIES[found] if found != voting.NOBODY else None) == (ballots[0].entity if ballots else None)


def test_the_rule_is_told_in_the_words_of_the_evaluation() -> None:
    assert f"one patient, one vote; {voting.TIE_RULE}" == TIE_RULE


def test_equal_sums_go_to_the_nearer_patient_not_to_the_alphabet() -> None:
    cases = [case(1, 0.75, "b"), case(2, 0.5, "a"), case(3, 0.5, "a"), case(4, 0.25, "b")]
    assert [ballot.entity for ballot in count_votes(cases)] == ["b", "a"]


def test_a_patient_without_an_entity_casts_no_vote() -> None:
    (ballot,) = count_votes([case(1, 0.9, None), case(2, 0.5, "a")])
    assert (ballot.entity, ballot.patients, ballot.share, ballot.similarity) == ("a", 1, 1.0, 0.5)


def test_nobody_votes() -> None:
    assert count_votes([]) == ()
    assert count_votes([case(1, 0.9, None)]) == ()


@given(st.integers(1, 500).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_intervals_against_scipy_property(counts: tuple[int, int]) -> None:
    truth = binomtest(*counts).proportion_ci(0.95, method="wilson")
    assert wilson(*counts) == pytest.approx((truth.low, truth.high), abs=1e-9)


def test_ballots_tell_the_interval_of_their_share() -> None:
    ballots = count_votes(ranked([(0.9, "a"), (0.8, "a"), (0.7, "b"), (0.6, None)]))
    assert [ballot.interval for ballot in ballots] == [wilson(2, 3), wilson(1, 3)]
