"""Which runtime and precision may serve the default encoder: `python -m benchmarks.runtime [--data DIR] [--json FILE]`.

Rule: the fastest runtime that stays within cosine 0.999 of torch and changes no neighbour that matters. A change of the
nearest patient, or of the vote at k = 5, matters unless the similarities that decide it lie under 1e-3 apart in torch.
The films are the lesions of BTXRD (cut by their masks) where its folder is given, else generated pictures.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from engine.card import ModelCard
from engine.embeddings import Patch, Vectors
from engine.encoders import reference
from engine.encoders.export import export
from engine.encoders.files import EncoderFiles
from engine.encoders.network import PRECISIONS
from engine.encoders.runtime import OnnxEmbedder, usable_cores
from engine.encoders.spec import DEFAULT, parse
from engine.encoders.torch_models import load
from engine.radiograph import Radiograph
from engine.region import Region

FILMS = 600
K = 5
NEAR_TIE = 1e-3
MIN_COSINE = 0.999
REFERENCE = "torch-eager"

Embed = Callable[[Sequence[Patch]], Vectors]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """Prepared patches with the patient and entity of each."""

    patches: tuple[Patch, ...]
    patients: npt.NDArray[np.str_]
    entities: npt.NDArray[np.str_]
    source: str


@dataclass(frozen=True)
class Changed:
    """Shares of queries whose K nearest patients, nearest patient or vote changed; `*_matters`: not by a near tie."""

    nearest_k: float
    nearest_k_matters: float
    nearest: float
    nearest_matters: float
    vote: float
    vote_matters: float


@dataclass(frozen=True)
class Pace:
    """films_1, films_32: films/s given one or 32 at a time; ratio_*: over torch's in the same run.

    core_ms: processor time of one film's forward pass in bulk.
    """

    films_1: float
    films_32: float
    ratio_1: float
    ratio_32: float
    core_ms: float


@dataclass(frozen=True)
class Verdict:
    """One runtime beside torch: cosine of each film's two vectors, what changed for queries, and its pace."""

    runtime: str
    min_cosine: float
    median_cosine: float
    changed: Changed
    pace: Pace

    @property
    def admitted(self) -> bool:
        """Whether the rule lets this runtime serve."""
        return self.min_cosine >= MIN_COSINE and self.changed.nearest_matters == 0 and self.changed.vote_matters == 0


@dataclass(frozen=True)
class Ranking:
    """For each query, the K nearest patients by their best film, and what they vote for."""

    nearest: npt.NDArray[np.int64]  # (n, K) patient numbers, nearest first
    votes: npt.NDArray[np.int64]  # (n,) entity numbers
    vote_margin: Floats  # (n,) summed similarity by which the vote's tie was won; inf where there was none


def lesions(folder: Path, prepare: Callable[[Radiograph, Region], Patch], limit: int) -> Cases:
    """Up to `limit` BTXRD lesions, each cut by its mask, drawn with a fixed seed."""
    with (folder / "cases.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (folder / "masks" / row["image"]).is_file()]
    chosen = np.random.default_rng(0).permutation(len(rows))[:limit]
    kept = [rows[i] for i in np.sort(chosen)]
    patches = tuple(_lesion(folder, row["image"], prepare) for row in kept)
    patients, entities = (np.array([row[column] for row in kept]) for column in ("patient_id", "entity"))
    return Cases(patches, patients, entities, f"btxrd, {len(kept)} lesions cut by mask")


def _lesion(folder: Path, image: str, prepare: Callable[[Radiograph, Region], Patch]) -> Patch:
    pixels, mask = (cv2.imread(str(folder / part / image), cv2.IMREAD_GRAYSCALE) for part in ("images", "masks"))
    if pixels is None or mask is None:
        raise SystemExit(f"{folder / 'images' / image} or its mask cannot be read; fetch the folder anew")
    film = Radiograph((pixels / 255).astype(np.float32), "", image)
    return prepare(film, Region.from_mask(mask, film.shape) or Region.whole(film.shape))


def generated(prepare: Callable[[Radiograph, Region], Patch], limit: int) -> Cases:
    """Blurred noise with a bright shaft, two films a patient, in nine entities that differ by their texture's scale."""
    rng = np.random.default_rng(0)
    numbers = np.arange(limit)
    patches = []
    for number in numbers:
        noise = rng.random((256, 224), np.float32)
        texture = cv2.GaussianBlur(noise, (0, 0), 1.0 + number // 2 % 9)
        texture[:, 80:150] += 0.3 * texture.std() * (1 + number // 2 % 9)
        texture = (texture - texture.min()) / np.ptp(texture)
        film = Radiograph(texture.astype(np.float32), "", "generated")
        patches.append(prepare(film, Region.whole(film.shape)))
    patients = np.array([f"P{number // 2}" for number in numbers])
    entities = np.array([f"E{number // 2 % 9}" for number in numbers])
    return Cases(tuple(patches), patients, entities, f"{limit} generated pictures")


def torch_embed() -> Embed:
    """The reference: PyTorch eager on all cores, one forward pass for all patches given."""
    model, _ = load(parse(DEFAULT))
    reference.use_threads(usable_cores())
    return partial(reference.embed, model)


def onnxruntime_embed(onnx: Path) -> Embed:
    """ONNX Runtime in f32 on all cores."""
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = runtime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    return lambda patches: _unit(session.run(None, {"patch": np.stack(patches)})[0])


def _unit(features: Vectors) -> Vectors:
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), np.float32)


def candidates(files: EncoderFiles) -> dict[str, Embed]:
    """Every runtime that this machine has, by the name that a card would carry."""
    found: dict[str, Embed] = {}
    for name in PRECISIONS:
        fields = asdict(files.card) | {"runtime": name}
        found[name] = OnnxEmbedder(files.onnx, ModelCard(**fields)).embed
    if find_spec("onnxruntime"):
        found["onnxruntime-f32"] = onnxruntime_embed(files.onnx)
    return found


def rank(similarity: Floats, patients: npt.NDArray[np.int64], entities: npt.NDArray[np.int64]) -> Ranking:
    """Rank patients for each film; similarity (n, n) float64, own patient's films left out."""
    nearest, votes, margins = [], [], []
    for row, own in zip(similarity, patients, strict=True):
        best = _best_films(np.where(patients == own, -np.inf, row), patients)[:K]
        label, margin = _vote(entities[best], row[best])
        nearest.append(patients[best])
        votes.append(label)
        margins.append(margin)
    return Ranking(np.array(nearest), np.array(votes), np.array(margins))


def _best_films(row: Floats, patients: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each patient's best film, nearest first."""
    order = np.argsort(-row, kind="stable")
    _, first = np.unique(patients[order], return_index=True)
    return order[np.sort(first)]


def _vote(entities: npt.NDArray[np.int64], similarity: Floats) -> tuple[int, float]:
    """The entity of most patients and the summed similarity by which a tie was won (inf where there was none)."""
    labels = np.unique(entities)
    counts = np.array([(entities == label).sum() for label in labels])
    sums = np.array([similarity[entities == label].sum() for label in labels])
    order = np.lexsort((sums, counts))[::-1]
    tied = len(order) > 1 and counts[order[0]] == counts[order[1]]
    return int(labels[order[0]]), float(sums[order[0]] - sums[order[1]]) if tied else float("inf")


def patient_similarity(similarity: Floats, patients: npt.NDArray[np.int64]) -> Floats:
    """(n films, m patients): the similarity of each patient's best film."""
    best = np.full((len(similarity), patients.max() + 1), -np.inf)
    for column, patient in enumerate(patients):
        best[:, patient] = np.maximum(best[:, patient], similarity[:, column])
    return best


def set_gap(best: Floats, before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]) -> float:
    """How far torch holds the patients that left the nearest K above those that entered; 0 where none did."""
    left, entered = np.setdiff1d(before, after), np.setdiff1d(after, before)
    return float(best[left].max() - best[entered].min()) if left.size else 0.0


def disagreement(before: Ranking, after: Ranking, best: Floats) -> Changed:
    """Shares of queries whose neighbours changed, and whose change matters."""
    gaps = np.array([set_gap(*rows) for rows in zip(best, before.nearest, after.nearest, strict=True)])
    same_set = (np.sort(before.nearest) == np.sort(after.nearest)).all(axis=1)
    first = before.nearest[:, 0] != after.nearest[:, 0]
    rows = np.arange(len(best))
    first_gap = best[rows, before.nearest[:, 0]] - best[rows, after.nearest[:, 0]]
    vote = before.votes != after.votes
    vote_gap = np.where(same_set, before.vote_margin, gaps)
    shares = (
        ~same_set,
        ~same_set & (gaps >= NEAR_TIE),
        first,
        first & (first_gap >= NEAR_TIE),
        vote,
        vote & (vote_gap >= NEAR_TIE),
    )
    return Changed(*(float(share.mean()) for share in shares))


def embed_all(embed: Embed, patches: Sequence[Patch], batch: int = 32) -> Vectors:
    """All vectors, `batch` films at a time."""
    return np.concatenate([embed(patches[at : at + batch]) for at in range(0, len(patches), batch)])


def speed(embed: Embed, patches: Sequence[Patch], batch: int) -> tuple[float, float]:
    """(films/s, core-ms per film) of the best of three rounds, after one to warm up."""
    embed_all(embed, patches, batch)
    rounds = []
    for _ in range(3):
        wall, busy = time.perf_counter(), time.process_time()
        embed_all(embed, patches, batch)
        rounds.append((time.perf_counter() - wall, time.process_time() - busy))
    wall, busy = min(rounds)
    return len(patches) / wall, busy / len(patches) * 1e3


def judge(cases: Cases, embedders: dict[str, Embed]) -> list[Verdict]:
    """Every runtime's verdict, torch's first; `embedders` must hold REFERENCE."""
    _, patients = np.unique(cases.patients, return_inverse=True)
    _, entities = np.unique(cases.entities, return_inverse=True)
    expected = embed_all(embedders[REFERENCE], cases.patches).astype(np.float64)
    similarity = expected @ expected.T
    before, best = rank(similarity, patients, entities), patient_similarity(similarity, patients)
    few = cases.patches[:64]
    paces = {name: (speed(embed, few, 1), speed(embed, few, 32)) for name, embed in embedders.items()}
    base_1, base_32 = (pace[0] for pace in paces[REFERENCE])
    verdicts = []
    for name, embed in embedders.items():
        vectors = embed_all(embed, cases.patches).astype(np.float64)
        cosine = (vectors * expected).sum(axis=1)
        changed = disagreement(before, rank(vectors @ vectors.T, patients, entities), best)
        (one, _), (many, core_ms) = paces[name]
        pace = Pace(one, many, one / base_1, many / base_32, core_ms)
        verdicts.append(Verdict(name, float(cosine.min()), float(np.median(cosine)), changed, pace))
    return verdicts


def chosen(verdicts: Sequence[Verdict]) -> str:
    """The runtime that the rule picks: the fastest in bulk of those admitted that an `OnnxEmbedder` has."""
    admitted = [v for v in verdicts if v.admitted and v.runtime in PRECISIONS]
    return max(admitted, key=lambda v: v.pace.films_32).runtime if admitted else REFERENCE


def run(data: Path | None, films: int = FILMS) -> tuple[str, list[Verdict]]:
    """Measure every runtime on `films` films of `data` (a BTXRD folder), or on generated ones where it is None."""
    with tempfile.TemporaryDirectory() as folder:
        files = export(parse(DEFAULT), Path(folder) / "encoder")
        prepare = OnnxEmbedder.open(files, threads=1).prepare
        cases = generated(prepare, films) if data is None else lesions(data, prepare, films)
        return cases.source, judge(cases, {REFERENCE: torch_embed()} | candidates(files))


def _table(source: str, verdicts: Sequence[Verdict]) -> Table:
    table = Table(title=f"runtimes on {source}, {usable_cores()} cores")
    heads = ("runtime", "cosine min", "median", "top-5 set", "nearest", "vote", "films/s 1 | 32", "ratio", "core-ms")
    for head in (*heads, "admitted"):
        table.add_column(head)
    for v in verdicts:
        table.add_row(
            v.runtime,
            f"{v.min_cosine:.6f}",
            f"{v.median_cosine:.6f}",
            f"{v.changed.nearest_k:.1%} ({v.changed.nearest_k_matters:.1%})",
            f"{v.changed.nearest:.1%} ({v.changed.nearest_matters:.1%})",
            f"{v.changed.vote:.1%} ({v.changed.vote_matters:.1%})",
            f"{v.pace.films_1:.0f} | {v.pace.films_32:.0f}",
            f"{v.pace.ratio_1:.1f} | {v.pace.ratio_32:.1f}",
            f"{v.pace.core_ms:.1f}",
            "yes" if v.admitted else "no",
        )
    table.caption = f"changed queries (those that matter in brackets); the rule picks {chosen(verdicts)}"
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `python -m benchmarks.runtime`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime", description=__doc__)
    parser.add_argument("--data", type=Path, help="BTXRD folder with cases.csv, images and masks; else generated films")
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args(arguments)
    source, verdicts = run(options.data, options.films)
    Console(width=150).print(_table(source, verdicts))
    if options.json:
        rows = [asdict(v) | {"admitted": v.admitted} for v in verdicts]
        document = {"source": source, "chosen": chosen(verdicts), "runtimes": rows}
        options.json.write_text(json.dumps(document, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
