"""Do explanations point at the lesion? `caselink bench explain --data DIR [--encoder RUN] [--json FILE]`.

Films with a tumour are embedded whole, so that the lesion is not the whole picture. On each, the map of its agreement
with its nearest film of another split group, what speaks for the vote of its five nearest, and, where the encoder has
a classifier, the class activation of the true entity, are held against the lesion's mask. Pointing game (Zhang 2018,
IJCV): whether the map's highest place lies in the mask. IoU: of the mask with as many of the map's highest pixels, so
that no threshold favours one map. Controls: random grids, and boxes around the film's centre. Intervals are over split
groups.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track
from rich.table import Table

from engine.encoders import DEFAULT, OnnxEmbedder, encoder_files
from engine.explain import Classifier, Look, drawn_out, look, vote_activation
from engine.explain.match import DEFAULT_METHOD, METHODS, Map
from engine.readers import read
from engine.region import Region
from indexer.evaluation.bootstrap import Clusters
from indexer.masks import lesion_pixels
from indexer.sources import open_source
from indexer.votes.films import trained_on

NEIGHBOURS = 5
RANDOM_DRAWS = 20
LONG_SIDE = 128
"""Of the pictures in which maps and masks are compared."""
RESAMPLES = 1000
MEASURES = {"pointing": "pointing game", "iou": "mean IoU"}
RANDOM, CENTRE = "random (control)", "centre box (control)"
VOTE, CLASSIFIER = "speaks for the vote", "class activation of the true entity"
Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    """A whole film through the encoder, and its lesion. mask: bool, with the film's aspect and `LONG_SIDE`."""

    seen: Look
    mask: Mask
    group: str
    entity: str


@dataclass(frozen=True)
class Score:
    """How one map does on one film. pointing: 1, 0, or between for the mean of several draws."""

    pointing: float
    iou: float


def score(picture: Picture, mask: Mask) -> Score:
    """A map against a mask of its shape, which holds at least one pixel. Equal pixels count in reading order."""
    inside, order = mask.ravel(), np.argsort(-picture.ravel(), kind="stable")
    lesion = int(inside.sum())
    shared = int(inside[order[:lesion]].sum())
    return Score(float(inside[order[0]]), shared / (2 * lesion - shared))


def centre(shape: tuple[int, ...]) -> Picture:
    """Falls from the middle outwards in boxes of the film's aspect."""
    y, x = (np.abs((np.arange(side) + 0.5) / side - 0.5) for side in shape)
    return np.asarray(0.5 - np.maximum(y[:, None], x[None]), np.float32)


def cases(folder: Path, embedder: OnnxEmbedder, limit: int, seed: int, taught: frozenset[str]) -> list[Case]:
    """Up to `limit` films of a BTXRD folder that have a mask, drawn with a seed.

    taught: content hashes of films that the encoder learnt from, and which cannot show what its explanations are worth.
    """
    records = [record for record in open_source(folder, "btxrd").films if record.mask and record.path and record.lesion]
    found: list[Case] = []
    for row in track(np.random.default_rng(seed).permutation(len(records)).tolist(), "films", transient=True):
        record = records[row]
        assert record.path is not None and record.mask is not None and record.lesion is not None
        film = read(record.path)
        if len(found) == limit:
            break
        if film.sha256 in taught:
            continue
        seen = look(embedder, film, Region.whole(film.shape))
        drawn = lesion_pixels(record.mask.read_bytes(), record.mask.name)
        mask = _small(drawn, film.shape)
        if mask.any():
            found.append(Case(seen, mask, str(record.group), str(record.lesion.entity)))
    return found


def _small(drawn: Mask, shape: tuple[int, int]) -> Mask:
    """The mask at the centres of the small picture's pixels."""
    rows, columns = (max(1, round(side * LONG_SIDE / max(shape))) for side in shape)
    y, x = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip((rows, columns), drawn.shape, strict=True))
    return np.asarray(drawn[np.ix_(y, x)], bool)


def neighbours(found: Sequence[Case]) -> npt.NDArray[np.int64]:
    """For each film, the `NEIGHBOURS` most similar of other split groups, nearest first."""
    vectors = np.stack([case.seen.vector for case in found])
    groups = np.array([case.group for case in found])
    similarity = np.where(groups[:, None] == groups[None], -np.inf, vectors @ vectors.T)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]


def maps(
    found: Sequence[Case], number: int, near: npt.NDArray[np.int64], classifier: Classifier | None
) -> Iterator[tuple[str, Picture]]:
    """Each explanation of a film by its name, as a picture."""
    seen = found[number].seen
    for name, measure in METHODS.items():
        title = f"agreement, {name}" + (" (served)" if name == DEFAULT_METHOD else "")
        yield title, _picture(seen, measure(seen.patches, found[near[0]].seen.patches))
    entities = [found[row].entity for row in near]
    label = max(entities, key=entities.count)  # the first of equals is the nearest
    voters = np.stack([found[row].seen.vector for row in near if found[row].entity == label])
    speaks = vote_activation(seen.patches, seen.vector, voters)
    if speaks is not None:
        yield VOTE, _picture(seen, speaks)
    if classifier is not None and found[number].entity in classifier.entities:
        activation = classifier.activation(seen.patches, found[number].entity)
        yield CLASSIFIER, _picture(seen, activation, signed=True)


def _picture(seen: Look, values: Map, *, signed: bool = False) -> Picture:
    rows, columns = seen.film.shape
    return drawn_out(seen.heats(values, signed=signed), (0, 0, columns, rows), LONG_SIDE)


def controls(case: Case, rng: np.random.Generator) -> dict[str, Score]:
    """What no explanation at all would score. A random grid has the cells of the encoder's map."""
    views, _, rows, columns = case.seen.patches.shape
    grids = rng.random((RANDOM_DRAWS, views, rows, columns), np.float32)
    draws = [score(_picture(case.seen, grid), case.mask) for grid in grids]
    mean = Score(*(float(np.mean([getattr(draw, name) for draw in draws])) for name in MEASURES))
    return {RANDOM: mean, CENTRE: score(centre(case.mask.shape), case.mask)}


def measure(found: Sequence[Case], classifier: Classifier | None, seed: int) -> list[dict[str, Score]]:
    """The scores of every map on every film, by the map's name."""
    rng, near = np.random.default_rng(seed), neighbours(found)
    scores = []
    for number, case in enumerate(found):
        drawn = {name: score(picture, case.mask) for name, picture in maps(found, number, near[number], classifier)}
        scores.append(drawn | controls(case, rng))
    return scores


def summary(found: Sequence[Case], scores: Sequence[Mapping[str, Score]], seed: int) -> list[dict[str, Any]]:
    """Each map's means over the films that have it, with 95 % intervals over split groups."""
    names = dict.fromkeys(name for each in scores for name in each)
    groups = np.array([case.group for case in found], dtype=object)
    rows = []
    for name in names:
        held = np.array([name in each for each in scores])
        clusters = Clusters.draw(groups[held], RESAMPLES, np.random.default_rng(seed))
        values = np.array([[getattr(each[name], one) for one in MEASURES] for each in scores if name in each])
        means = zip(MEASURES, clusters.mean(values), strict=True)
        facts = {"map": name, "films": int(held.sum()), "groups": len(set(groups[held]))}
        rows.append(facts | {one: mean.to_dict() for one, mean in means})
    return rows


def _table(found: Mapping[str, Any]) -> Table:
    table = Table(title=f"{found['encoder']} on {found['films']} whole films; per cent, 95 % interval in brackets")
    for head in ("map", "films", *MEASURES.values()):
        table.add_column(head)
    for row in found["maps"]:
        table.add_row(row["map"], str(row["films"]), *(_percent(row[name]) for name in MEASURES))
    return table


def _percent(figure: Mapping[str, float | None]) -> str:
    value, low, high = (figure[name] for name in ("value", "low", "high"))
    said = f"{100 * (value or 0):.1f}"
    return said if low is None or high is None else f"{said} ({100 * low:.1f}–{100 * high:.1f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench explain`."""
    parser = argparse.ArgumentParser(prog="caselink bench explain", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder in BTXRD's layout, with masks/")
    parser.add_argument("--encoder", default=DEFAULT, help="as for `caselink index`, or a training run's folder")
    parser.add_argument("--limit", type=int, default=400, help="films, drawn with the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("var/encoders"), help="where exported encoders are kept")
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    files = encoder_files(options.encoder, options.cache)
    taught = trained_on(files.onnx.parent)
    found = cases(options.data, OnnxEmbedder.open(files, threads=1), options.limit, options.seed, taught)
    if len(found) <= NEIGHBOURS:
        raise SystemExit(f"{options.data} has {len(found)} films with a mask; this bench needs more than {NEIGHBOURS}")
    scores = measure(found, Classifier.read(files.onnx.parent), options.seed)
    facts = {
        "encoder": files.card.name,
        "fingerprint": files.card.fingerprint,
        "films": len(found),
        "taught": len(taught),
        "seed": options.seed,
        "lesion_share": float(np.mean([case.mask.mean() for case in found])),
        "maps": summary(found, scores, options.seed),
    }
    Console(width=110).print(_table(facts))
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
