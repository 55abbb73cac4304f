"""Is a film unlike the archive flagged? `caselink bench unlike --data DIR [--encoder RUN] [--roi mask|whole]`.

AUROC of the product's score, the similarity of the nearest film of the archive (lower is more unlike), for each site of
BTXRD left out of the archive, for FracAtlas and for photographs; insiders are the archive's own films, each without its
patient and split group. Beside it a control that sees no anatomy: the distance to the nearest film by size, aspect,
black and white border and count of grey levels, all of which a score may cheat with.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import skimage
import sklearn.datasets
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu

from engine.embeddings import Vectors, as_queries
from engine.encoders import DEFAULT, EncoderFiles, OnnxEmbedder, encoder_files
from engine.readers import read
from engine.region import Region
from indexer.archive import open_snapshot
from indexer.cohorts import cohort_of
from indexer.evaluation import Cohort
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.votes.calibrate import UNLIKE_QUANTILE
from indexer.votes.neighbours import strangers
from indexer.writer import open_writer

CACHE = Path("var/encoders")
LEAST_FILMS = 10
"""Of a site, for an AUROC."""
DARK, BRIGHT, EDGE = 0.02, 0.98, 0.03
"""Grey levels of a border, and its width as a share of the film's shorter side."""
NO_TUMOUR = "no tumour"
PHOTOGRAPHS = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png"),
    *("hubble_deep_field.jpg", "moon.png", "motorcycle_left.png", "rocket.jpg", "retina.jpg"),
)
"""Shipped with scikit-image; scikit-learn ships two more."""
Reals = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Films:
    """Films of one source: float32 (n, d) vectors, float64 (n, 6) of what the control sees."""

    vectors: Vectors
    marks: Reals


@dataclass(frozen=True)
class Figure:
    """How well outsiders are told from the archive's own films. flagged: share under the archive's 1 % quantile."""

    outsiders: str
    films: int
    archive: int
    auroc: float
    control: float
    flagged: float


def marks(path: Path) -> Reals:
    """(6,): what gives a source away without any anatomy: log rows, log columns, borders dark and bright, levels."""
    film = read(path)
    pixels, (rows, columns) = film.pixels, film.shape
    width = max(1, round(EDGE * min(pixels.shape)))
    edge = np.ones(pixels.shape, dtype=bool)
    edge[width:-width, width:-width] = False
    levels = len(np.unique(np.round(255 * pixels)))
    dark, bright = (pixels[edge] < DARK).mean(), (pixels[edge] > BRIGHT).mean()
    return np.array([np.log(rows), np.log(columns), np.log(rows / columns), dark, bright, levels / 256])


def indexed(source: Path, layout: str, roi: Roi, files: EncoderFiles, root: Path) -> tuple[Cohort, Films]:
    """A source's films through the product's own indexing."""
    embedder = OnnxEmbedder.open(files)
    with open_writer(root, embedder.card, files.onnx.parent) as writer:
        ingest(open_source(source, layout), source, layout, roi, embedder, writer)
    snapshot = open_snapshot(root)
    cohort = cohort_of(snapshot)
    snapshot.catalogue.close()
    return cohort, Films(cohort.vectors, np.stack([marks(source / file) for file in cohort.extra["file"]]))


def photographs(files: EncoderFiles) -> Films:
    """Pictures of cats, cups and galaxies, in grey as a film would be read."""
    folder = Path(skimage.__file__).parent / "data"
    other = Path(sklearn.datasets.__file__).parent / "images"
    paths = [*(folder / name for name in PHOTOGRAPHS), *sorted(other.glob("*.jpg"))]
    embedder = OnnxEmbedder.open(files)
    films = [read(path) for path in paths]
    patches = [embedder.prepare(film, Region.whole(film.shape)) for film in films]
    return Films(embedder.embed(patches), np.stack([marks(path) for path in paths]))


def figure(name: str, inside: Films, kin: npt.NDArray[np.int64], outside: Films) -> Figure:
    """kin: (n,), films of one code are not held against each other."""
    own = kin[:, None] == kin
    likeness = np.where(own, -np.inf, as_queries(inside.vectors) @ inside.vectors.T).max(axis=1)
    strange = (as_queries(outside.vectors) @ inside.vectors.T).max(axis=1)
    spread = inside.marks.std(axis=0) + 1e-9
    near, far = (_distance(one.marks / spread, inside.marks / spread) for one in (inside, outside))
    control = np.where(own, np.inf, near).min(axis=1), far.min(axis=1)
    threshold = np.quantile(likeness, UNLIKE_QUANTILE)
    return Figure(
        name,
        len(strange),
        len(likeness),
        auroc(-strange, -likeness),
        auroc(control[1], control[0]),
        float((strange < threshold).mean()),
    )


def auroc(outside: Reals, inside: Reals) -> float:
    """The chance that an outsider scores higher than an insider, ties half."""
    return float(mannwhitneyu(outside, inside).statistic / (len(outside) * len(inside)))


def _distance(one: Reals, other: Reals) -> Reals:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    apart: Reals = np.sqrt(np.maximum(squares, 0))
    return apart


def sites(cohort: Cohort, films: Films) -> list[Figure]:
    """Each site left out of the archive in turn, with every film that shows it."""
    words = [{word.strip() for word in (site or "").split(";")} - {""} for site in cohort.site]
    kin = strangers(cohort)
    found = []
    for site, count in Counter(word for each in words for word in each).most_common():
        there = np.array([site in each for each in words], dtype=bool)
        if count >= LEAST_FILMS:
            found.append(figure(f"site {site}", _take(films, ~there), kin[~there], _take(films, there)))
    return found


def _take(films: Films, rows: Rows) -> Films:
    return Films(films.vectors[rows], films.marks[rows])


def measure(data: Path, files: EncoderFiles, roi: Roi) -> list[Figure]:
    """Every outsider against BTXRD's tumour films; those without a tumour have other words for sites."""
    with tempfile.TemporaryDirectory(prefix="caselink-unlike-") as folder:
        cohort, films = indexed(data / "btxrd", "btxrd", roi, files, Path(folder) / "btxrd")
        _, fractures = indexed(data / "fracatlas", "fracatlas", Roi.whole, files, Path(folder) / "fracatlas")
    tumour = np.array([entity != NO_TUMOUR for entity in cohort.entity], dtype=bool)
    cohort, films = cohort.take(tumour), _take(films, tumour)
    kin = strangers(cohort)
    others = [figure("FracAtlas", films, kin, fractures), figure("photographs", films, kin, photographs(files))]
    return [*sites(cohort, films), *others]


def table(figures: Sequence[Figure], title: str) -> Table:
    """The figures for people."""
    shown = Table("outsiders", "films", "AUROC", "control", "flagged", title=title)
    for one in figures:
        shares = f"{one.auroc:.3f}", f"{one.control:.3f}", f"{100 * one.flagged:.1f} %"
        shown.add_row(one.outsiders, str(one.films), *shares)
    return shown


def _encoder(spec: str) -> EncoderFiles:
    folder = Path(spec)
    return EncoderFiles.read(folder) if (folder / "card.json").is_file() else encoder_files(spec, CACHE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench unlike`."""
    parser = argparse.ArgumentParser(prog="caselink bench unlike", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with btxrd/ and fracatlas/")
    parser.add_argument("--encoder", default=DEFAULT, help="a run folder, or an encoder's name")
    parser.add_argument("--roi", type=Roi, choices=[Roi.mask, Roi.whole], default=Roi.mask)
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    files = _encoder(options.encoder)
    figures = measure(options.data, files, options.roi)
    Console(width=100).print(table(figures, f"unlike BTXRD ({options.roi}), {files.card.name}"))
    if options.json:
        said = {"encoder": files.card.name, "roi": options.roi.value, "figures": [asdict(one) for one in figures]}
        options.json.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
