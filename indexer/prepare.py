"""From a film's record to its vector: the part of indexing that runs in worker threads and touches no catalogue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import numpy as np

from engine.embeddings import Embedder, Patch, Vectors
from engine.errors import EncoderError, FilmError, RegionError
from engine.radiograph import Header, Radiograph, Stage
from engine.readers import read
from engine.region import Origin, Region
from engine.said import Said
from engine.segmentation import Segmenter
from indexer.duplicates.hashes import perceptual_hash
from indexer.masks import lesion_pixels, lesion_region
from indexer.records import FilmRecord, History, facts_of
from indexer.regions import enough_detail, propose
from indexer.thumbnails import THUMBNAIL_SIDE, shrink, thumbnail

NO_FILE = Said("file_missing", "a table names it, but there is no such file")
SHORTEST_NAME = 4
"""Characters of an identifier that a path can hold by no chance."""


class Roi(StrEnum):
    """What part of each film is embedded: all of it, the lesion that a mask or box shows, or the one a model proposes.

    `segment` looks at no mask or box, so that an archive, or an evaluation, shows what a model's regions are worth.
    """

    whole = "whole"
    mask = "mask"
    segment = "segment"


@dataclass(frozen=True)
class Known:
    """What the ledger says of a file already: its bytes' hash and the key of the region embedded."""

    sha256: str
    region_key: str


@dataclass(frozen=True)
class Prepared:
    """What became of one record.

    reason: why it is left out, None otherwise. kept: the ledger knows these bytes and this region already, so nothing
    was decoded and `film`, `region` and `vector` are None. film: read, its pixels dropped to spare memory.
    thumbnail: its JPEG. phash: its perceptual hash, see `perceptual_hash`. named: `Preparer.seal` found an identifier
    that the film gives in its path.
    """

    record: FilmRecord
    reason: Said | None = None
    kept: bool = False
    sha256: str = ""
    region_key: str = ""
    film: Radiograph | None = None
    region: Region | None = None
    vector: Vectors | None = None
    thumbnail: bytes = b""
    phash: str = ""
    named: bool = False


@dataclass(frozen=True)
class Preparer:
    """Reads, cuts and embeds films; one instance serves every thread.

    segmenter: what `Roi.segment` needs. histories: of the source's patients, for an encoder that carries facts.
    fetch: gives a file's bytes, or raises OSError. seal: takes the identifiers out of what a film's own header says,
    and tells whether the film's path holds one; None = they stay, in memory.
    """

    embedder: Embedder
    roi: Roi
    known: Mapping[str, Known]
    segmenter: Segmenter | None = None
    histories: Mapping[str, History] = field(default_factory=dict)
    fetch: Callable[[Path], bytes] = Path.read_bytes
    seal: Callable[[FilmRecord, Header], tuple[Header, bool]] | None = None

    def __post_init__(self) -> None:
        if self.roi is Roi.segment and self.segmenter is None:
            raise EncoderError(
                "the archive's encoder has no segmenter to propose regions; index into a new archive with the run of a "
                "recipe that trains one (`--encoder RUN`), or use --roi whole or mask"
            )

    def __call__(self, records: Sequence[FilmRecord]) -> list[Prepared]:
        """What became of each record, in order.

        All are read before any is embedded: a core that stays at one kind of work is faster at it. They are embedded
        one by one, in this thread, since there are as many threads as cores.
        """
        halfway = [self._read(record) for record in records]
        return [done if patch is None else self._embedded(done, patch) for done, patch in halfway]

    def _embedded(self, done: Prepared, patch: Patch) -> Prepared:
        assert done.film is not None
        header = merge(done.record.header, done.film.header)
        facts = [facts_of(done.record, header, self.histories)] if self.embedder.card.facts else None
        return replace(done, vector=self.embedder.embed([patch], facts)[0])

    def _read(self, record: FilmRecord) -> tuple[Prepared, Patch | None]:
        if record.problem or record.path is None:
            return Prepared(record, Said.known(record.problem or NO_FILE)), None
        try:
            data = self.fetch(record.path)
            mask = self.fetch(record.mask) if record.mask and self.roi is Roi.mask else None
        except OSError as error:
            told = error.strerror or type(error).__name__
            return Prepared(record, Said("file_unread", "the file cannot be read ({said})", said=told)), None
        known, key = self.known.get(record.file), self._region_key(record, mask)
        if known is not None and known == Known(sha256(data).hexdigest(), key):
            return Prepared(record, kept=True, sha256=known.sha256, region_key=key), None
        try:
            film, region = self._decode(record, data, mask)
            patch = self.embedder.prepare(film, region)
        except (FilmError, RegionError) as error:
            return Prepared(record, error.said.alone, sha256=sha256(data).hexdigest(), region_key=key), None
        grey = shrink(film)
        small, phash = thumbnail(film, data, grey), perceptual_hash(grey)
        header, named = self.seal(record, film.header) if self.seal else (film.header, False)
        light = replace(film, pixels=np.zeros((1, 1), dtype=np.float32), full_shape=film.shape, header=header)
        done = Prepared(record, sha256=film.sha256, region_key=key, film=light, region=region, thumbnail=small)
        return replace(done, phash=phash, named=named), patch

    def _region_key(self, record: FilmRecord, mask: bytes | None) -> str:
        """Changes with all that moves a film's vector but its own bytes: two patients' facts make two vectors."""
        region = self._region_name(record, mask)
        if self.embedder.card.facts is None:
            return region
        told = repr(facts_of(record, record.header, self.histories))
        return f"{region}, facts {sha256(told.encode()).hexdigest()[:16]}"

    def _region_name(self, record: FilmRecord, mask: bytes | None) -> str:
        if mask is not None:
            return f"mask {sha256(mask).hexdigest()}"
        if self.roi is Roi.mask and record.boxes:
            return f"boxes {record.boxes}"
        if self.roi is Roi.segment and self.segmenter is not None:
            return f"segmented {self.segmenter.card.fingerprint}"
        return "whole"

    def _decode(self, record: FilmRecord, data: bytes, mask: bytes | None) -> tuple[Radiograph, Region]:
        name = record.file
        if mask is not None and record.mask is not None:
            drawn = lesion_pixels(mask, record.mask.name)
            share = Region.from_mask(drawn, drawn.shape)
            if share is not None:
                film = read(data, name=name, at_least=self._detail(share, max(drawn.shape)))
                return film, lesion_region(drawn, film.shape, record.mask.name) or Region.whole(film.shape)
        if self.roi is Roi.mask and record.boxes:
            film = read(data, name=name)
            return film, around(record.boxes, film.shape)
        if self.roi is Roi.segment and self.segmenter is not None:
            return propose(data, self.segmenter, self.embedder.card.size, name=name)
        film = read(data, name=name, at_least=THUMBNAIL_SIDE)
        return film, Region.whole(film.shape)

    def _detail(self, region: Region, long_side: int) -> int:
        return enough_detail(region, long_side, self.embedder.card.size)


def around(boxes: tuple[tuple[int, int, int, int], ...], shape: tuple[int, int]) -> Region:
    """One region around all lesion boxes, cut to the film."""
    corners = np.array(boxes)
    x0, y0 = corners[:, :2].min(axis=0)
    x1, y1 = corners[:, 2:].max(axis=0)
    if x0 >= shape[1] or y0 >= shape[0]:
        told = "its lesion box starts at {corner}, outside its {size} pixels; mend the table"
        raise FilmError(Said("box_outside", told, corner=f"{x0},{y0}", size=f"{shape[1]}x{shape[0]}"))
    return Region(int(x0), int(y0), min(int(x1), shape[1]), min(int(y1), shape[0]), Origin.mask)


def merge(table: Header, film: Header) -> Header:
    """What a table says of a film, and where it is silent, what the film's own header says."""
    chosen = {name: value for name, value in vars(table).items() if value is not None and value != Stage.unknown}
    return replace(film, **chosen)


def names_someone(uri: str, header: Header) -> bool:
    """Whether a path holds an identifier that is long enough not to stand there by chance."""
    names = (header.patient, header.study, header.instance)
    return any(name is not None and len(name) >= SHORTEST_NAME and quote(name) in uri for name in names)
