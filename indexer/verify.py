"""Checking an archive: every file that its manifest names, and that rows, vectors and pictures fit each other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from engine.embeddings import Ids, lengths_fit
from engine.errors import ArchiveCorrupt, ArchiveError
from indexer.archive import ATTEMPTS, KEY, load_manifest_key
from indexer.catalogue import Catalogue
from indexer.journal import PLACE as JOURNAL
from indexer.journal import Journal
from indexer.journal.store import BESIDE
from indexer.manifest import NAME, Manifest, Pack, absent, check_file, read_manifest
from indexer.packs import FOLDER, hash_pack, pack_number
from indexer.segments import read_segment
from indexer.writer import LOCK, WORK

NAMED = 5
"""Rows that a finding names of those that are wrong."""
RULES: tuple[tuple[str, str], ...] = (
    ("films share a number", "SELECT film AS id FROM films GROUP BY film HAVING count(*) > 1"),
    ("lesions share a number", "SELECT lesion AS id FROM lesions GROUP BY lesion HAVING count(*) > 1"),
    ("patients have two rows", "SELECT patient AS id FROM patients GROUP BY patient HAVING count(*) > 1"),
    ("films are of no patient", "SELECT film AS id FROM films WHERE patient IS NULL"),
    (
        "films are of a patient without a row",
        "SELECT film AS id FROM films WHERE patient NOT IN (SELECT patient FROM patients)",
    ),
    (
        "films show a lesion that is not there, or is another patient's",
        "SELECT film AS id FROM films f LEFT JOIN lesions l USING (lesion) "
        "WHERE f.lesion IS NOT NULL AND l.patient IS DISTINCT FROM f.patient",
    ),
    (
        "pairs of near-duplicates name a film that is not held",
        "SELECT film AS id FROM near WHERE film NOT IN (SELECT film FROM films) OR other NOT IN "
        "(SELECT film FROM films)",
    ),
    (
        "files of the ledger name a film that is not held",
        "SELECT file AS id FROM ledger WHERE outcome IN ('indexed', 'duplicate') AND "
        "(film IS NULL OR film NOT IN (SELECT film FROM films))",
    ),
)
"""What a catalogue may not hold, and how to find it."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a file of an archive, by its path there. kind: missing | changed | short | wrong (its bytes
    are as written, and do not fit the rest).
    """

    path: str
    kind: str
    text: str


@dataclass(frozen=True)
class Stray:
    """A file in an archive's folder that its manifest does not name, and what it seems to be."""

    path: str
    text: str


@dataclass(frozen=True)
class Checked:
    """What a check found. version: None where the manifest cannot be read. files, bytes: how much was hashed."""

    version: int | None
    files: int
    bytes: int
    findings: tuple[Finding, ...]
    strays: tuple[Stray, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong; strays are not."""
        return not self.findings


def verify(root: Path) -> Checked:
    """Hash every file of an archive and hold its rows against its vectors and pictures; nothing is written.

    A version that a writer sweeps away meanwhile is left for the newer one.

    Raises:
        ArchiveError: no archive there, or one of another format.
    """
    for _ in range(ATTEMPTS):
        before = _version(root)
        try:
            found = _verify(root)
        except (ArchiveCorrupt, FileNotFoundError):
            if _version(root) == before:
                raise
            continue
        if found.whole or found.version == _version(root):
            return found
    return _verify(root)


def _version(root: Path) -> int | None:
    try:
        return read_manifest(root).version
    except ArchiveCorrupt:
        return None


def _size(path: Path) -> int:
    """Bytes of a file, 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _verify(root: Path) -> Checked:
    try:
        manifest = read_manifest(root)
    except ArchiveCorrupt as error:
        return Checked(None, 1, 0, (Finding(NAME, "changed", str(error)),), ())
    files = list(_files(root, manifest))
    findings = [finding for _, finding in files if finding is not None]
    harmed = {finding.path for finding in findings}
    findings += _crosswise(root, manifest, harmed)
    sizes = sum(_size(root / path) for path, _ in files if path not in harmed)
    return Checked(manifest.version, len(files), sizes, tuple(findings), tuple(_strays(root, manifest)))


def _files(root: Path, manifest: Manifest) -> Iterator[tuple[str, Finding | None]]:
    """Every file of a version, and what is wrong with it by itself."""
    plain = (root / NAME).read_bytes() == manifest.to_bytes()
    yield NAME, None if plain else Finding(NAME, "changed", f"{NAME} says what was written, in other bytes")
    yield KEY, _complaint(root, KEY, partial(_check_key, root, manifest))
    for file in manifest.files:
        yield file.path, _complaint(root, file.path, partial(check_file, root, file))
    if (root / JOURNAL).exists() and (text := Journal(root / JOURNAL).complaint()):
        yield JOURNAL, Finding(JOURNAL, "changed", text)
    for pack in manifest.packs:
        finding = _complaint(root, pack.path, partial(_check_pack, root, pack))
        if finding and finding.kind == "changed" and (size := _size(root / pack.path)) < pack.size:
            finding = Finding(pack.path, "short", f"{pack.path} has {size} bytes of {pack.size}; {_cure(finding.text)}")
        yield pack.path, finding


def _complaint(root: Path, path: str, check: Callable[[], object]) -> Finding | None:
    try:
        check()
    except (ArchiveError, OSError) as error:
        return Finding(path, "changed" if (root / path).is_file() else "missing", str(error))
    return None


def _cure(text: str) -> str:
    return text.rpartition("; ")[2]


def _check_key(root: Path, manifest: Manifest) -> None:
    key = load_manifest_key(root, manifest).key
    if (root / KEY).read_text(encoding="ascii").rstrip("\n") != key.hex():
        raise ArchiveCorrupt(f"{KEY} holds the archive's key, in other bytes than were written")


def _check_pack(root: Path, pack: Pack) -> None:
    try:
        with (root / pack.path).open("rb") as file:
            hash_pack(file, pack)
    except OSError as error:
        raise absent(pack.path, error) from None


def _crosswise(root: Path, manifest: Manifest, harmed: set[str]) -> Iterator[Finding]:
    """What does not fit together among the files that are as they were written."""
    vectors: list[Ids] = []
    whole = True
    for segment in manifest.segments:
        if segment.path in harmed:
            whole = False
            continue
        ids, rows = read_segment(root, segment)
        vectors.append(ids)
        if rows.dtype != np.float32 or rows.shape != (len(ids), manifest.card.dimension) or len(ids) != segment.rows:
            yield _wrong(segment.path, f"holds {rows.dtype} {rows.shape} for {segment.rows} vectors", [])
        elif not (fits := np.isfinite(rows).all(axis=1) & lengths_fit(rows)).all():
            yield _wrong(segment.path, "holds vectors that are not finite, or not of a length in 0 to 1", ids[~fits])
    ids = np.concatenate([np.empty(0, np.int64), *vectors])
    once, counts = np.unique(ids, return_counts=True)
    if len(once) < len(ids):
        yield _wrong(NAME, "names segments that share vectors", once[counts > 1])
    if manifest.catalogue.path not in harmed:
        catalogue = Catalogue(root / manifest.catalogue.path)
        try:
            yield from _rows(catalogue, manifest, once if whole else None)
        finally:
            catalogue.close()


def _rows(catalogue: Catalogue, manifest: Manifest, vectors: Ids | None) -> Iterator[Finding]:
    """What is wrong with the rows of a catalogue. vectors: sorted ids of all segments, None where some are damaged."""
    path = manifest.catalogue.path
    for text, sql in RULES:
        if rows := catalogue.rows(sql):
            yield _wrong(path, text, [row["id"] for row in rows])
    films = catalogue.columns(
        "SELECT film, vector, lesion, thumbnail_pack AS pack, thumbnail_start AS start, thumbnail_size AS size "
        "FROM films ORDER BY film"
    )
    film = films["film"]
    if vectors is not None and (lost := ~np.isin(films["vector"], vectors)).any():
        yield _wrong(path, "films have a vector that is in no segment", film[lost])
    for name, limit in (
        ("film", manifest.next_film),
        ("vector", manifest.next_vector),
        ("lesion", manifest.next_lesion),
    ):
        over = np.ma.filled(films[name] >= limit, False)
        if over.any():
            yield _wrong(path, f"films have a {name} number of {limit} or more, which a new one will get", film[over])
    sizes = {pack_number(pack): pack.size for pack in manifest.packs}
    ends = np.array([sizes.get(number, -1) for number in np.ma.filled(films["pack"], -1).tolist()], np.int64)
    within = (films["start"] >= 0) & (films["size"] > 0) & (films["start"] + films["size"] <= ends)
    if (outside := ~np.ma.filled(within, True)).any():
        yield _wrong(path, "films have a picture that lies in no pack", film[outside])


def _wrong(path: str, text: str, rows: Iterable[object]) -> Finding:
    named = [str(row) for row in rows]
    listed = f" ({len(named)}: {', '.join(named[:NAMED])}{', ..' if len(named) > NAMED else ''})" if named else ""
    return Finding(path, "wrong", f"{text}{listed}; index the films into a new archive")


def _strays(root: Path, manifest: Manifest) -> Iterator[Stray]:
    named = {NAME, KEY, LOCK, *(file.path for file in manifest.files), *(pack.path for pack in manifest.packs)}
    named |= {JOURNAL, *(f"{JOURNAL}{end}" for end in BESIDE)}
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        if path.is_file() and place.as_posix() not in named:
            yield Stray(place.as_posix(), _what(place, manifest))


def _what(place: Path, manifest: Manifest) -> str:
    """What a file that no manifest names seems to be."""
    top, below = place.parts[0], place.parts[1:2]
    if top == "versions" and len(place.parts) > 2 and below[0].isdecimal() and int(below[0]) < manifest.version:
        return "of an older version, kept for its readers"
    if top in {WORK, FOLDER, "vectors", "versions"} or place.name.endswith(".tmp"):
        return "of a writer at work or stopped; the next one takes it away"
    return "not of this archive"
