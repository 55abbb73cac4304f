"""The bench that chooses a runtime: its ranking and its idea of a neighbour that matters, by hand and by loops."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks import runtime as bench
from engine.embeddings import Patch, Vectors
from engine.encoders import OnnxEmbedder

Rows = npt.NDArray[np.float64]


def unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_ranking_against_loops() -> None:
    rng = np.random.default_rng(4)
    vectors, patients, entities = unit(rng.standard_normal((40, 6))), rng.integers(0, 15, 40), rng.integers(0, 3, 40)
    patients = np.unique(patients, return_inverse=True)[1]
    entities = entities[patients]  # one entity a patient
    ranking = bench.rank(vectors @ vectors.T, patients, entities)
    for query in range(40):
        best: dict[int, float] = {}
        for other in range(40):
            if patients[other] != patients[query]:
                similarity = float(vectors[query] @ vectors[other])
                best[int(patients[other])] = max(similarity, best.get(int(patients[other]), -2.0))
        nearest = sorted(best, key=lambda patient: -best[patient])[:5]
        assert nearest == ranking.nearest[query].tolist()
        tally: dict[int, tuple[int, float]] = {}
        for patient in nearest:
            entity = int(entities[patients == patient][0])
            count, total = tally.get(entity, (0, 0.0))
            tally[entity] = (count + 1, total + best[patient])
        assert max(tally, key=lambda entity: tally[entity]) == ranking.votes[query]


def ranking(nearest: list[int], vote: int, margin: float = float("inf")) -> bench.Ranking:
    return bench.Ranking(np.array([nearest]), np.array([vote]), np.array([margin]))


BEST = np.array([[0.9, 0.8995, 0.7, 0.6, 0.5, 0.4999, 0.3]])
"""What torch holds of seven patients, for one query."""


@pytest.mark.parametrize(
    ("after", "shares"),
    [
        (ranking([0, 1, 2, 3, 4], 1), (0, 0, 0, 0, 0, 0)),
        (ranking([1, 0, 2, 3, 4], 1), (0, 0, 1, 0, 0, 0)),  # the first two are a near tie
        (ranking([2, 1, 0, 3, 4], 1), (0, 0, 1, 1, 0, 0)),
        (ranking([0, 1, 2, 3, 5], 2), (1, 0, 0, 0, 1, 0)),  # the fifth and sixth are a near tie
        (ranking([0, 1, 2, 3, 6], 2), (1, 1, 0, 0, 1, 1)),
        (ranking([0, 1, 2, 3, 4], 2), (0, 0, 0, 0, 1, 1)),  # no tie to be broken otherwise
    ],
)
def test_which_changes_matter(after: bench.Ranking, shares: tuple[float, ...]) -> None:
    changed = bench.disagreement(ranking([0, 1, 2, 3, 4], 1), after, BEST)
    assert changed == bench.Changed(*map(float, shares))


def test_a_vote_won_by_a_hair_may_change() -> None:
    before, after = ranking([0, 1, 2, 3, 4], 1, margin=5e-4), ranking([0, 1, 2, 3, 4], 2)
    assert bench.disagreement(before, after, BEST).vote_matters == 0


def noisy(embed: bench.Embed, scale: float, patches: Sequence[Patch]) -> Vectors:
    rows = embed(patches)
    noise = np.random.default_rng(len(patches)).standard_normal(rows.shape) * scale
    return unit(rows + noise).astype(np.float32)


def test_the_rule_takes_a_true_runtime_and_leaves_a_noisy_one(embedder: OnnxEmbedder) -> None:
    cases = bench.generated(embedder.prepare, 40)
    embedders: dict[str, bench.Embed] = {
        bench.REFERENCE: embedder.embed,
        "openvino-f32": embedder.embed,
        "openvino-bf16": partial(noisy, embedder.embed, 0.01),
    }
    torch, true, drifting = bench.judge(cases, embedders)
    assert torch.min_cosine == pytest.approx(1)
    assert true.admitted
    assert true.changed == bench.Changed(0, 0, 0, 0, 0, 0)
    assert not drifting.admitted
    assert bench.chosen([torch, true, drifting]) == "openvino-f32"
    assert bench.chosen([torch, drifting]) == bench.REFERENCE


def test_real_lesions_are_read(real_data: Callable[[str], Path], embedder: OnnxEmbedder) -> None:
    cases = bench.lesions(real_data("btxrd"), embedder.prepare, 6)
    assert len(cases.patches) == len(cases.patients) == len(cases.entities) == 6
    assert "no tumour" not in cases.entities


@pytest.mark.slow
def test_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["--films", "12", "--json", str(tmp_path / "runtime.json")])
    written = json.loads((tmp_path / "runtime.json").read_text())
    assert written["chosen"] == "openvino-f32"
    assert {"torch-eager", "openvino-f32", "openvino-bf16"} <= {row["runtime"] for row in written["runtimes"]}
    assert "the rule picks openvino-f32" in capsys.readouterr().out
