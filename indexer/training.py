"""From a source of films to a training set: each film read once, cut with room around it, its owner forgotten."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from engine.card import ModelCard
from engine.embeddings import Vectors
from engine.encoders.patch import cut
from engine.encoders.runtime import usable_cores
from engine.errors import FilmError, RegionError, SourceError
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Origin, Region, View
from engine.training.films import ROOM, TrainingFilm, TrainingSet, cut_for_training, loosened, training_side
from indexer.duplicates.films import near_duplicates
from indexer.duplicates.groups import joined_groups
from indexer.evaluation.cohort import Cohort
from indexer.masks import lesion_pixels, lesion_region
from indexer.prepare import Roi, around, merge
from indexer.records import FilmRecord, History, film_lesion
from indexer.sources import Listing
from indexer.thumbnails import shrink
from indexer.votes import Calibration, calibrate

if TYPE_CHECKING:
    from engine.training.run import Held

DETAIL = 2048
"""Longest side in pixels to which a film is decoded; a lesion crop of 160 pixels needs no more."""
LeftOut = tuple[str, str]
"""A film's name and why it is not among the others."""


@dataclass(frozen=True, eq=False)
class _Read:
    """A film cut for training, patient and group still as the source says, and small, to be held against others."""

    file: str
    film: TrainingFilm
    grey: npt.NDArray[np.uint8]


def training_set(
    listing: Listing,
    roi: Roi,
    views: Sequence[View],
    size: int,
    *,
    loose: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[TrainingSet, list[LeftOut]]:
    """The films of a source as an encoder of `size` sees them, and those that cannot be read, with the reason.

    roi: whole films, or the lesion where a mask or box shows it; a film without either is cut whole. Films of the same
    bytes are kept once. loose: boxes to cut besides, see `TrainingFilm.loose`, drawn by the film's own hash.
    progress(done, total).

    Raises:
        SourceError: no film can be read.
    """
    work = [(record, listing, roi, tuple(views), size, loose) for record in listing.films]
    made: list[_Read] = []
    left: list[LeftOut] = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for number, (record, done) in enumerate(zip(listing.films, pool.map(_film, work), strict=True), start=1):
            if isinstance(done, _Read):
                made.append(done)
            else:
                left.append((record.file, done))
            if progress is not None:
                progress(number, len(work))
    if not made:
        raise SourceError(f"none of the {len(work)} films of {listing.title} can be read; mend them, or name others")
    return TrainingSet(tuple(_anonymous(made, left)), tuple(views), size, listing.title), left


def _anonymous(made: list[_Read], left: list[LeftOut]) -> Iterator[TrainingFilm]:
    """The films with opaque names, by the order in which a source names them; copies of a file are added to `left`.

    Groups that share a near-duplicate film, or a patient, become one.
    """
    files: dict[str, str] = {}
    kept = []
    for one in made:
        first = files.setdefault(one.film.sha256, one.file)
        if first == one.file:
            kept.append(one)
        else:
            left.append((one.file, f"the same bytes as {first}"))
    films = [one.film for one in kept]
    near = [None if group < 0 else int(group) for group in near_duplicates(_Small([one.grey for one in kept]))]
    people = {patient: number for number, patient in enumerate(dict.fromkeys(film.patient for film in films))}
    joined = joined_groups([film.group for film in films], near)
    joined = joined_groups(joined.tolist(), [people[film.patient] for film in films])
    groups = {group: number for number, group in enumerate(dict.fromkeys(joined.tolist()))}
    for film, group in zip(films, joined.tolist(), strict=True):
        yield replace(film, patient=f"p{people[film.patient] + 1:05}", group=f"g{groups[group] + 1:05}")


class _Small(Sequence[Vectors]):
    """Pictures 0..255 that are seen as 0..1, one at a time."""

    def __init__(self, greys: Sequence[npt.NDArray[np.uint8]]) -> None:
        self.greys = greys

    def __len__(self) -> int:
        return len(self.greys)

    def __getitem__(self, place: Any) -> Any:
        return np.asarray(self.greys[place], np.float32) / 255


def _film(work: tuple[FilmRecord, Listing, Roi, tuple[View, ...], int, int]) -> _Read | str:
    """A film cut for training, or why it cannot be used."""
    record, listing, roi, views, size, loose = work
    if record.problem or record.path is None:
        return record.problem or "a table names it, but there is no such file"
    try:
        film = read(record.path.read_bytes(), name=record.file, at_least=DETAIL)
        drawn = _drawn(record.mask)
        region = _region(record, film, roi, drawn)
        cuts = cut_for_training(film, region, views, size)
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    except (FilmError, RegionError) as error:
        return str(error).removeprefix(f"{record.file}: ")
    known = merge(record.header, film.header)
    patient = known.patient or f"film {record.file}"
    lesion = film_lesion(record, listing.histories.get(patient, History()).lesions)
    made = TrainingFilm(
        cuts=cuts,
        sha256=film.sha256,
        origin=region.origin,
        patient=patient,
        group=record.group or patient,
        entity=lesion.entity or None if lesion else None,
        malignancy=lesion.malignancy if lesion else None,
        mask=None if drawn is None else _mask(drawn, film, size),
        age=known.age,
        sex=None if known.sex is None else known.sex.value,
        site=tuple(
            word.strip() for word in (record.site or (lesion.site if lesion else None) or "").split(";") if word.strip()
        ),
        centre=record.centre,
        loose=_loose(film, region, size, loose) if loose else None,
    )
    return _Read(record.file, made, shrink(film))


def _drawn(mask: Path | None) -> npt.NDArray[np.bool_] | None:
    return None if mask is None else lesion_pixels(mask.read_bytes(), mask.name)


def _region(record: FilmRecord, film: Radiograph, roi: Roi, drawn: npt.NDArray[np.bool_] | None) -> Region:
    found = None
    if roi is Roi.mask and drawn is not None and record.mask is not None:
        found = lesion_region(drawn, film.shape, record.mask.name)
    if roi is Roi.mask and found is None and record.boxes:
        found = around(record.boxes, film.shape)
    return found or Region.whole(film.shape)


def _loose(film: Radiograph, region: Region, size: int, n: int) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(int(film.sha256[:16], 16))
    boxes = [loosened(region, film.shape, rng) for _ in range(n)]
    return np.concatenate([cut_for_training(film, box, (View.region,), size) for box in boxes])


def _mask(drawn: npt.NDArray[np.bool_], film: Radiograph, size: int) -> npt.NDArray[np.bool_]:
    """The lesion on the `film` view with its room: a cell belongs to it where half of its area does."""
    picture = Radiograph(
        pixels=drawn.astype(np.float32), sha256=film.sha256, source=film.source, full_shape=drawn.shape
    )
    region = Region(0, 0, drawn.shape[1], drawn.shape[0], Origin.mask)
    shown: npt.NDArray[np.bool_] = cut(picture, region, training_side(size), View.film, ROOM) >= 0.5
    return shown


def run_calibration(held: "Held", card: ModelCard) -> Calibration | None:
    """The calibration that a run gives to archives too small for their own; None with too few calibration patients.

    It is that of the development fit, whose calibration patients ask training patients and one another.
    """
    films = TrainingSet(held.seen.films + held.asked.films, held.seen.views, held.seen.size, held.seen.title)
    columns = {
        name: films.column(name) for name in ("patient", "group", "entity", "sex", "centre", "sha256", "malignancy")
    }
    cohort = Cohort(
        vectors=np.concatenate([held.seen_vectors, held.asked_vectors]),
        film=np.arange(len(films)),
        age=np.array([np.nan if film.age is None else film.age for film in films.films]),
        site=np.array([";".join(film.site) for film in films.films], dtype=object),
        view=np.full(len(films), None, dtype=object),
        region=np.array([film.origin.value for film in films.films], dtype=object),
        extra={name: columns.pop(name) for name in ("sha256", "malignancy")},
        **columns,
    )
    seen = frozenset(film.sha256 for film in held.seen.films)
    return calibrate(cohort, seen, encoder=card.fingerprint, origin="run")
