"""Cross-validation of a recipe: who asks whom, with which vectors, and that no asking patient was learned from."""

import numpy as np
import pytest
import torch

from engine.encoders import EncoderFiles, OnnxEmbedder
from engine.errors import QueryError
from engine.facts import CODE_LENGTH
from engine.region import Origin, View
from engine.training.films import TrainingFilm, TrainingSet, training_side
from engine.training.recipe import Recipe
from indexer.evaluation import evaluate_folds
from indexer.validation import Partition, embedded, fitted

SIZE = 32
ENTITIES = ("bright", "dark")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def drawn(n: int, size: int = SIZE, views: tuple[View, ...] = (View.region,)) -> TrainingSet:
    """n films, two a patient, entities by patient, the last third from another centre."""

    def film(number: int) -> TrainingFilm:
        patient, side = number // 2, training_side(size)
        entity = ENTITIES[patient % 2]
        grey = np.random.default_rng(number).normal(90, 20, (len(views), side, side))
        grey[:, side // 3 : -side // 3, side // 3 : -side // 3] += 90 if entity == "bright" else -70
        return TrainingFilm(
            np.clip(grey, 0, 255).astype(np.uint8), f"{number:064x}", Origin.mask, f"p{patient}", f"g{patient}", entity,
            malignancy="malignant" if entity == "dark" else "benign", age=30.0, sex="F", site=("femur",),
            centre="1" if number < 2 * n // 3 else "2",
        )  # fmt: skip

    return TrainingSet(tuple(film(number) for number in range(n)), views, size, "drawn films")


def tiny(**changes: object) -> Recipe:
    fields: dict[str, object] = {
        "name": "tiny", "title": "Tiny", "paper": "none", "views": ["region"], "size": SIZE, "dimension": 40,
        "epochs": 2, "facts": {"age": 0.2}, "optimiser": {"backbone": 5e-3, "head": 5e-3}, "batch": {"size": 8},
        "backbone": {"name": "test_resnet", "start": "random", "freeze_blocks": 0, "frozen_norm": False},
    }  # fmt: skip
    return Recipe.model_validate(fields | changes)


def test_each_fold_asks_the_others_with_vectors_of_its_own_fit() -> None:
    films = drawn(24)
    partition = Partition.grouped(films, tiny(), 3, 0)
    pairs = fitted(partition, tiny(), 0)
    asked = np.concatenate([queries.film for _, queries in pairs])
    assert sorted(asked) == list(range(24))
    for archive, queries in pairs:
        assert not set(archive.patient) & set(queries.patient)
        assert len(archive) + len(queries) == 24
        assert archive.vectors.shape[1] == 40
        assert np.abs(archive.vectors[:, -CODE_LENGTH:]).max() > 0  # facts are carried
    assert pairs[0][0].vectors.shape[1] == pairs[1][0].vectors.shape[1]
    assert not np.array_equal(pairs[0][0].take(pairs[0][0].film == asked[-1]).vectors, pairs[2][1].vectors[-1:])
    found = evaluate_folds(pairs, resamples=0).to_dict()
    assert found["groups"]["all"]["n_films"] == 24


def test_a_centre_that_asks_was_not_learned_from() -> None:
    partition = Partition.by_centre(drawn(24), tiny(), ["2"])
    ((archive, queries),) = fitted(partition, tiny(), 0)
    assert (set(archive.centre), set(queries.centre)) == ({"1"}, {"2"})
    with pytest.raises(QueryError, match="centre '9'"):
        Partition.by_centre(drawn(24), tiny(), ["9"])


def test_the_floor_is_what_serving_would_embed(encoder: EncoderFiles) -> None:
    films = drawn(4, size=224)
    embedder = OnnxEmbedder.open(encoder, threads=1)
    vectors = embedded(films, embedder)
    edge = (training_side(224) - 224) // 2
    middle = films.films[1].cuts[0, edge : edge + 224, edge : edge + 224] / 255
    patch = np.repeat(((middle - 0.5) / 0.5)[None], 3, axis=0).astype(np.float32)
    assert vectors[1] @ embedder.embed([patch])[0] > 0.99
    pairs = Partition.grouped(films, tiny(size=224), 2, 0).untrained(vectors)
    assert all(np.array_equal(queries.vectors, vectors[queries.film]) for _, queries in pairs)


def test_films_cut_for_another_encoder_are_refused(encoder: EncoderFiles) -> None:
    with pytest.raises(QueryError, match="at 32 pixels"):
        embedded(drawn(4), OnnxEmbedder.open(encoder, threads=1))
