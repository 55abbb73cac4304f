from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluation import ranking
from indexer.evaluation.ranking import Asked, Floats, Gallery, Ints, Ranked, archive_order, random_order, ranked
from indexer.evaluation.voting import NOBODY


def setting(seed: int) -> tuple[Gallery, Asked, Floats, np.random.Generator]:
    n, q, patients = 25, 8, 7
    rng = np.random.default_rng(seed)
    gallery = Gallery(np.sort(rng.integers(patients, size=n)), rng.integers(4, size=n), rng.integers(3, size=n))
    asked = Asked(rng.integers(patients + 3, size=q), rng.integers(6, size=q))
    close = (rng.integers(-4, 5, size=(q, n)) / 4).astype(np.float32)
    return gallery, asked, close, rng


def plain(gallery: Gallery, asked: Asked, close: Floats, row: int, place: Callable[[int], int]) -> list[int]:
    best: dict[int, tuple[float, int, int]] = {}
    for j in range(len(gallery)):
        if gallery.patient[j] == asked.patient[row] or gallery.group[j] == asked.group[row]:
            continue
        key = (-close[row, j], place(j), j)
        best[gallery.patient[j]] = min(best.get(gallery.patient[j], key), key)
    return [j for _, _, j in sorted(best.values())]


def at(table: Ints, row: int, j: int) -> int:
    return int(table[row, j])


def check(found: Ranked, gallery: Gallery, asked: Asked, close: Floats, place: Callable[[int, int], int]) -> None:
    rows = range(found.rows.start, found.rows.stop)
    for line, row in enumerate(rows):
        expected = plain(gallery, asked, close, row, partial(place, row))
        n = len(expected)
        assert found.film[line, :n].tolist() == expected
        assert found.label[line, :n].tolist() == gallery.label[expected].tolist()
        assert found.similarity[line, :n].tolist() == close[row, expected].tolist()
        assert (found.film[line, n:] == -1).all()
        assert (found.label[line, n:] == NOBODY).all()
        assert (found.similarity[line, n:] == 0).all()


@given(st.integers(0, 10_000))
def test_ties_by_archive_row_as_a_plain_loop_has_them(seed: int) -> None:
    gallery, asked, close, rng = setting(seed)
    row = rng.permutation(len(gallery))
    for _, found in ranked(gallery, asked, lambda rows: close[rows], [archive_order(row, len(asked))]):
        check(found, gallery, asked, close, partial(at, np.tile(row, (len(asked), 1))))


@given(st.integers(0, 10_000))
def test_random_ties_keep_similarity_order_and_go_round_from_each_start(seed: int) -> None:
    gallery, asked, close, rng = setting(seed)
    orders = [random_order(gallery, len(asked), rng) for _ in range(2)]
    for number, found in ranked(gallery, asked, lambda rows: close[rows], orders):
        order = orders[number]
        place = (order.rank - order.start[:, None]) % len(gallery)
        check(found, gallery, asked, close, partial(at, place))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, asked, close, rng = setting(3)
    orders = [random_order(gallery, len(asked), rng)]
    [(_, whole)] = ranked(gallery, asked, lambda rows: close[rows], orders)
    monkeypatch.setattr(ranking, "CHUNK", 3 * len(gallery))
    parts = [found for _, found in ranked(gallery, asked, lambda rows: close[rows], orders)]
    assert [(part.rows.start, part.rows.stop) for part in parts] == [(0, 3), (3, 6), (6, 8)]
    np.testing.assert_array_equal(np.concatenate([part.film for part in parts]), whole.film)


def test_all_float32_values_sort_rightly() -> None:
    values = np.array([[-np.inf, -1, -1e-30, 0, 1e-30, 0.5, 0.50000006, 1, np.inf]], dtype=np.float32)
    assert (np.diff(ranking._descending(values)[0].astype(np.int64)) < 0).all()


def test_minus_zero_ties_with_zero() -> None:
    gallery, asked = Gallery(*(np.array([0, 1]) for _ in range(3))), Asked(np.array([8]), np.array([8]))
    close = np.array([[-0.0, 0.0]], dtype=np.float32)
    [(_, found)] = ranked(gallery, asked, lambda rows: close[rows], [archive_order(np.array([0, 1]), 1)])
    assert found.film.tolist() == [[0, 1]]


def test_among_equals_each_patient_is_first_as_often_however_many_films_they_have() -> None:
    patient = np.repeat([0, 1, 2, 3], [1, 10, 1, 8])
    gallery, q = Gallery(patient, patient, patient), 2000
    asked, rng = Asked(np.full(q, 9), np.full(q, 9)), np.random.default_rng(0)
    orders = [random_order(gallery, q, rng) for _ in range(5)]
    same = np.zeros((q, len(gallery)), dtype=np.float32)
    first = np.concatenate([found.label[:, 0] for _, found in ranked(gallery, asked, lambda rows: same[rows], orders)])
    assert np.bincount(first) / len(first) == pytest.approx(0.25, abs=0.02)


def test_who_follows_among_equals_is_by_chance_too() -> None:
    gallery, asked = Gallery(*(np.arange(6) for _ in range(3))), Asked(np.array([9]), np.array([9]))
    rng, same = np.random.default_rng(0), np.zeros((1, 6), dtype=np.float32)
    orders = [random_order(gallery, 1, rng) for _ in range(3000)]
    pairs = [tuple(found.film[0, :2]) for _, found in ranked(gallery, asked, lambda rows: same[rows], orders)]
    counts = [pairs.count((a, b)) for a in range(6) for b in range(6) if a != b]
    assert min(counts) > 60  # 100 expected of each of the 30 pairs
    assert max(counts) < 140


def test_what_is_asked_holds_no_label() -> None:
    assert set(Asked.__dataclass_fields__) == {"patient", "group"}
