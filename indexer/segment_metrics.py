"""A segmenter measured on a source with lesion masks: IoU, Dice, hits, of the regions that a query would get."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.encoders.patch import cut
from engine.encoders.runtime import usable_cores
from engine.errors import FilmError, RegionError, SourceError
from engine.facts import NO_LESION
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Region, View
from engine.segmentation import Segmenter
from engine.segmentation.metrics import Outcome
from engine.segmentation.proposal import Map
from indexer.masks import lesion_pixels, lesion_region
from indexer.records import FilmRecord
from indexer.sources import Listing
from indexer.thumbnails import THUMBNAIL_SIDE

LeftOut = tuple[str, str]


def segment_outcomes(
    listing: Listing, segmenter: Segmenter, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[list[Outcome], list[LeftOut]]:
    """What the segmenter makes of each film with a mask, or known to show no lesion; boxes in film pixels.

    Films without either are not asked about. Second: films that cannot be read, with the reason.

    Raises:
        SourceError: no film with a mask.
    """
    asked = [r for r in listing.films if r.path is not None and (r.mask is not None or _healthy(r))]
    if not any(record.mask for record in asked):
        raise SourceError(f"{listing.title} has no lesion masks to measure a segmenter by; give a source with masks")
    told: list[Outcome] = []
    left: list[LeftOut] = []
    with ThreadPoolExecutor(usable_cores()) as pool:
        for done, (record, found) in enumerate(
            zip(asked, pool.map(lambda each: _outcome(each, segmenter), asked), strict=True), start=1
        ):
            if isinstance(found, Outcome):
                told.append(found)
            else:
                left.append((record.file, found))
            progress(done, len(asked))
    return told, left


def _healthy(record: FilmRecord) -> bool:
    return record.lesion is not None and record.lesion.entity == NO_LESION


def _outcome(record: FilmRecord, segmenter: Segmenter) -> Outcome | str:
    assert record.path is not None
    try:
        film = read(record.path, name=record.file, at_least=THUMBNAIL_SIDE)
        drawn = None if record.mask is None else lesion_pixels(record.mask.read_bytes(), record.mask.name)
        lesion = None if drawn is None else lesion_region(drawn, film.shape, record.mask.name if record.mask else "")
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    except (FilmError, RegionError) as error:
        return str(error).removeprefix(f"{record.file}: ")
    found = segmenter.seek(film)
    confidence = 0.0 if found is None or found.confidence is None else found.confidence
    used = found is not None and confidence >= segmenter.card.threshold
    box = None if found is None else _edges(found)
    if drawn is None or lesion is None:
        return Outcome(None, box, confidence, used, centre=record.centre)
    iou, dice = _pixels(segmenter, film, drawn.astype(np.float32))
    return Outcome(_edges(lesion), box, confidence, used, iou, dice, record.centre)


def _edges(region: Region) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = region.box
    return float(x0), float(y0), float(x1), float(y1)


def _pixels(segmenter: Segmenter, film: Radiograph, drawn: Map) -> tuple[float, float]:
    """IoU and Dice of the map's pixels over the card's cut, on the square that the segmenter sees."""
    card = segmenter.card
    said = segmenter.probability(film) >= card.cut
    mask = Radiograph(drawn, "", "mask", full_shape=film.shape)
    true = cut(mask, Region.whole(film.shape), card.size, View.film) >= 0.5
    both, either = int((said & true).sum()), int((said | true).sum())
    if not either:  # a lesion of under half a pixel, and nothing said
        return 0.0, 0.0
    return both / either, 2 * both / (both + either)
