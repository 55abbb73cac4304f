"""Metrics of a fit against plain loops."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from sklearn.metrics import recall_score

from engine.training.metrics import Films, classifier_metrics, precision_at_1


def test_classifier_metrics_by_hand() -> None:
    watched = classifier_metrics(4, prefix="val_")
    right = torch.tensor([0, 0, 0, 1, 1])
    guessed = torch.tensor([0, 0, 3, 1, 0])
    logits = torch.nn.functional.one_hot(guessed, 4).float()
    watched.update(logits[:2], right[:2])
    watched.update(logits[2:], right[2:])
    values = watched.compute()
    assert values["val_accuracy"] == pytest.approx(3 / 5)
    assert values["val_macro_recall"] == pytest.approx((2 / 3 + 1 / 2) / 2)  # 2 and 3 have no film


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_macro_recall_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    right, guessed = (torch.tensor(column) for column in zip(*pairs, strict=True))
    watched = classifier_metrics(5)
    watched.update(torch.nn.functional.one_hot(guessed, 5).float(), right)
    present = sorted(set(right.tolist()))
    expected = recall_score(right.numpy(), guessed.numpy(), labels=present, average="macro")
    assert watched.compute()["macro_recall"] == pytest.approx(expected, abs=1e-6)


def films(seed: int, n: int, groups: int) -> Films:
    rng = np.random.default_rng(seed)
    vectors = torch.from_numpy(rng.normal(size=(n, 5))).float() * torch.from_numpy(rng.uniform(0.1, 9, (n, 1))).float()
    return Films(vectors, torch.from_numpy(rng.integers(0, 3, n)), torch.from_numpy(rng.integers(0, groups, n)))


def plainly(queries: Films, gallery: Films) -> float:
    hits = []
    for vector, label, group in zip(queries.vectors, queries.labels, queries.groups, strict=True):
        best, found = -2.0, None
        for other, entity, stranger in zip(gallery.vectors, gallery.labels, gallery.groups, strict=True):
            alike = float(torch.cosine_similarity(vector, other, dim=0))
            if group != stranger and alike > best:
                best, found = alike, entity
        if found is not None:
            hits.append(bool(found == label))
    return sum(hits) / len(hits) if hits else math.nan


@given(st.integers(0, 1000), st.integers(1, 25), st.integers(1, 6))
def test_precision_at_1_is_a_plain_search_among_other_groups(seed: int, n: int, groups: int) -> None:
    own = films(seed, n, groups)
    assert precision_at_1(own) == pytest.approx(plainly(own, own), nan_ok=True)
    gallery = films(seed + 1, 10, groups)
    assert precision_at_1(own, gallery) == pytest.approx(plainly(own, gallery), nan_ok=True)


def test_a_patients_own_film_is_never_the_answer() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0]])
    same = Films(vectors, torch.tensor([0, 0, 1]), torch.tensor([7, 7, 8]))
    assert precision_at_1(same) == 0
    apart = Films(vectors, torch.tensor([0, 0, 1]), torch.tensor([6, 7, 8]))
    assert precision_at_1(apart) == pytest.approx(2 / 3)


def test_nothing_to_find_is_not_a_number() -> None:
    alone = films(0, 4, 1)
    assert math.isnan(precision_at_1(alone))


def test_films_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="3 vectors, 2 labels and 3 groups"):
        Films(torch.zeros(3, 2), torch.zeros(2), torch.zeros(3))
