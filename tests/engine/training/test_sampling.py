"""Batches: what they hold, how often each film comes, and that an epoch can be drawn again."""

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from torch.utils.data import DataLoader

from engine.training.sampling import Batches, PKBatches, WeightedBatches, film_weights


@st.composite
def archives(draw: st.DrawFn) -> tuple[np.ndarray, list[str]]:
    """Labels and patients of some films; a patient may have films of several entities."""
    films = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=60))
    return np.array([label for label, _ in films], dtype=np.int64), [f"p{patient}" for _, patient in films]


def uneven() -> tuple[np.ndarray, list[str]]:
    """Two entities of 300 and 30 films; of the first, one patient has 60 films, another 60 have four each."""
    labels = np.repeat(np.array([0, 1], dtype=np.int64), [300, 30])
    patients = ["many"] * 60 + [f"a{i // 4}" for i in range(240)] + [f"b{i // 2}" for i in range(30)]
    return labels, patients


# ---- weights


def test_weights_by_hand() -> None:
    labels, patients = np.array([0, 0, 0, 1]), ["a", "a", "b", "c"]
    raw = np.array([1 / np.sqrt(2) / 3, 1 / np.sqrt(2) / 3, 1 / 3, 1.0])
    np.testing.assert_allclose(film_weights(labels, patients, balance=1, damping=0.5), raw / raw.sum())


@given(archives())
def test_weights_are_shares(archive: tuple[np.ndarray, list[str]]) -> None:
    labels, patients = archive
    np.testing.assert_allclose(film_weights(labels, patients, 0, 0), 1 / len(labels))
    weights = film_weights(labels, patients, balance=1, damping=0)
    assert weights.sum() == pytest.approx(1) and (weights > 0).all()
    np.testing.assert_allclose(np.bincount(labels, weights)[np.unique(labels)], 1 / len(np.unique(labels)))
    by_patient = Counter[str]()
    for patient, weight in zip(patients, film_weights(labels, patients, balance=0, damping=1), strict=True):
        by_patient[patient] += weight
    np.testing.assert_allclose(list(by_patient.values()), 1 / len(by_patient))


@pytest.mark.parametrize(("labels", "patients"), [([0, 1], ["a"]), ([], []), ([0, -1], ["a", "b"])])
def test_films_without_an_entity_or_a_patient_are_refused(labels: list[int], patients: list[str]) -> None:
    with pytest.raises(ValueError, match="leave films without an entity out"):
        film_weights(np.array(labels, dtype=np.int64), patients)


# ---- P x K


@given(archives(), st.integers(1, 5), st.integers(1, 4), st.integers(0, 9))
def test_a_batch_holds_k_films_of_p_entities(archive: tuple[np.ndarray, list[str]], p: int, k: int, seed: int) -> None:
    labels, patients = archive
    sampler = PKBatches(labels, patients, film_weights(labels, patients), p, k, seed)
    seen = list(sampler)
    assert len(seen) == len(sampler) == max(1, len(labels) // sampler.batch)
    for batch in seen:
        held = Counter(labels[batch].tolist())
        assert set(held.values()) == {k} and len(held) == min(p, len(np.unique(labels)))
        for entity in held:
            own = [row for row in batch if labels[row] == entity]
            films = np.flatnonzero(labels == entity)
            assert len(set(own)) == min(k, len(films))  # none twice while another is left
            assert len({patients[row] for row in own}) == min(k, len({patients[row] for row in films}))


def test_an_epoch_passes_over_nearly_all_patients_and_soon_all_films() -> None:
    labels, patients = uneven()
    sampler = PKBatches(labels, patients, film_weights(labels, patients, balance=0, damping=0), 2, 4, 0)
    epochs = [[row for batch in sampler for row in batch] for _ in range(6)]
    for epoch in epochs:
        assert len({patients[row] for row in epoch}) > 0.9 * len(set(patients))
    assert len({row for epoch in epochs for row in epoch}) > 0.9 * len(labels)


def test_without_pressure_to_balance_nearly_all_films_come_once_an_epoch() -> None:
    labels = np.repeat(np.arange(4), 25)
    patients = [f"p{i}" for i in range(100)]
    sampler = PKBatches(labels, patients, film_weights(labels, patients), 4, 5, 1)
    seen = Counter(row for batch in sampler for row in batch)
    assert len(seen) > 85 and max(seen.values()) <= 2


def test_rates_follow_the_weights() -> None:
    labels, patients = uneven()
    weights = film_weights(labels, patients, balance=0, damping=0.5)
    sampler = PKBatches(labels, patients, weights, 1, 2, 0)
    rows = [row for _ in range(10) for batch in sampler for row in batch]
    share = np.mean(labels[rows])
    assert share == pytest.approx(weights[labels == 1].sum(), abs=0.02)
    own = [row for row in rows if labels[row] == 0]
    many = np.mean([patients[row] == "many" for row in own])
    assert many == pytest.approx(weights[:60].sum() / weights[:300].sum(), abs=0.02)
    assert many < 0.1 < 60 / 300


def test_entities_come_evenly_where_balance_is_full() -> None:
    labels, patients = uneven()
    sampler = PKBatches(labels, patients, film_weights(labels, patients, balance=1, damping=0), 1, 2, 0)
    rows = [row for _ in range(4) for batch in sampler for row in batch]
    assert np.mean(labels[rows]) == pytest.approx(0.5, abs=0.02)


# ---- plain weighted


def test_weighted_batches_follow_the_weights() -> None:
    weights = np.array([0.0, 1.0, 3.0] + [0.0] * 57)
    sampler = WeightedBatches(weights, 20, seed=0)
    rows = [row for _ in range(20) for batch in sampler for row in batch]
    assert set(rows) == {1, 2} and len(rows) == 20 * 60
    assert np.mean(np.array(rows) == 2) == pytest.approx(0.75, abs=0.05)


# ---- epochs, processes, loaders


def samplers(seed: int = 0, rank: int = 0, world: int = 1) -> list[Batches]:
    labels, patients = uneven()
    weights = film_weights(labels, patients)
    return [
        PKBatches(labels, patients, weights, 2, 4, seed, rank, world),
        WeightedBatches(weights, 8, seed, rank, world),
    ]


@pytest.mark.parametrize("kind", [0, 1])
def test_epochs_differ_and_can_be_drawn_again(kind: int) -> None:
    sampler, other = samplers()[kind], samplers()[kind]
    first, second = list(sampler), list(sampler)
    assert first != second
    other.set_epoch(1)
    assert list(other) == second
    assert list(samplers(seed=1)[kind]) != first


@pytest.mark.parametrize("kind", [0, 1])
def test_processes_share_an_epoch_without_overlap(kind: int) -> None:
    whole = list(samplers()[kind])
    parts = [list(samplers(rank=rank, world=2)[kind]) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1]) == len(whole) // 2
    assert [batch for pair in zip(*parts, strict=True) for batch in pair] == whole[: 2 * len(parts[0])]


@pytest.mark.parametrize("kind", [0, 1])
def test_a_loader_hands_whole_batches_to_its_films(kind: int) -> None:
    class Rows:
        def __len__(self) -> int:
            return 330

        def __getitem__(self, rows: list[int]) -> list[int]:
            return rows

    loader: DataLoader[list[int]] = DataLoader(Rows(), sampler=samplers()[kind], batch_size=None)  # type: ignore[arg-type]
    assert list(loader) == list(samplers()[kind])


def test_the_global_generators_are_left_alone() -> None:
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    for sampler in samplers():
        list(sampler)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
