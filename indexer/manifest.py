"""The manifest: the one file that says what an archive is made of; replaced by rename, last of all."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from engine.card import ModelCard
from engine.errors import ArchiveCorrupt, ArchiveError
from engine.said import Said
from indexer.durable import hash_file, write_durably

FORMAT = 6
NAME = "manifest.json"


@dataclass(frozen=True)
class PublishedFile:
    """A file of the archive by its relative path, with what its bytes must hash to. rows: vectors in a segment."""

    path: str
    sha256: str
    rows: int = 0


@dataclass(frozen=True)
class Pack:
    """A file that is only appended to, by its relative path. size: bytes published; sha256: what they hash to."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class SourceFacts:
    """What was said when a source was indexed. roi: whole | mask | segment."""

    layout: str
    issuer: str
    title: str
    roi: str
    synthetic: bool = False


@dataclass(frozen=True)
class IndexFacts:
    """How the vectors are searched. name: of the registry.

    files: in the folder of the version that they were made for; none = exact search over the segments. covers: vectors
    numbered below were there then. why: of the choice. recall, ms, gib: measured then, see `indexes.auto.Measured`.
    """

    name: str = "exact"
    files: tuple[PublishedFile, ...] = ()
    covers: int = 0
    why: str = "few vectors, all compared"
    recall: float = 1.0
    ms: float | None = None
    gib: float | None = None


EXACT = IndexFacts()


@dataclass(frozen=True)
class Manifest:
    """One published version of an archive. key: fingerprint of the pseudonym key that it was made with.

    segmenter: fingerprint of the segmenter beside its encoder, None where there is none. calibration: of its votes,
    None where there is none. encoder_files: all that lies in the encoder's folder. oldest: versions before it may not
    stay on disk, since a patient of theirs was erased.
    """

    version: int
    created: str
    card: ModelCard
    key: str
    catalogue: PublishedFile
    segments: tuple[PublishedFile, ...] = ()
    packs: tuple[Pack, ...] = ()
    index: IndexFacts = EXACT
    sources: dict[str, SourceFacts] = field(default_factory=dict)
    next_film: int = 0
    next_vector: int = 0
    next_lesion: int = 0
    segmenter: str | None = None
    calibration: PublishedFile | None = None
    encoder_files: tuple[PublishedFile, ...] = ()
    oldest: int = 0

    @property
    def files(self) -> tuple[PublishedFile, ...]:
        """Every file that is written once: all but the packs, the key and the manifest itself."""
        calibration = () if self.calibration is None else (self.calibration,)
        return (self.catalogue, *calibration, *self.segments, *self.encoder_files, *self.index.files)

    @property
    def synthetic(self) -> bool:
        """Whether any film of the archive was generated."""
        return any(source.synthetic for source in self.sources.values())

    @property
    def title(self) -> str:
        """The titles of its sources."""
        return " + ".join(dict.fromkeys(source.title for source in self.sources.values())) or "empty archive"

    def with_source(self, name: str, facts: SourceFacts) -> "Manifest":
        """The same with a source added or replaced."""
        return replace(self, sources=self.sources | {name: facts})

    def save(self, root: Path) -> None:
        """Publish: from here on, readers see this version."""
        write_durably(root / NAME, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The manifest's file, byte for byte."""
        fields = asdict(self) | {"format": FORMAT, "card": json.loads(self.card.to_json())}
        fields["check"] = _digest(fields)
        return json.dumps(fields, indent=1).encode()


def _digest(fields: dict[str, object]) -> str:
    """sha256 over all fields, so that a changed digit is noticed too."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def read_manifest(root: Path) -> Manifest:
    """The published version of the archive in `root`.

    Raises:
        ArchiveError: no archive there, or one of another format.
        ArchiveCorrupt: a manifest that cannot be read.
    """
    try:
        fields = json.loads((root / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise no_archive(root) from None
    except NotADirectoryError:
        told = "{archive} is a file, not an archive; give the archive's folder"
        raise ArchiveError(Said("archive_is_file", told, archive=str(root))) from None
    except OSError as error:
        told = "{file} cannot be read ({said}); mend its permissions"
        raise ArchiveError(Said("manifest_unread", told, file=str(root / NAME), said=str(error.strerror))) from None
    except ValueError:
        raise _damaged() from None
    return _from_fields(fields)


def no_archive(root: Path) -> ArchiveError:
    """The error where a folder holds no archive."""
    told = "{archive} holds no archive; make one with `caselink index SOURCE --archive {archive}`"
    return ArchiveError(Said("no_archive", told, archive=str(root)))


def _damaged() -> ArchiveCorrupt:
    told = "{file} is damaged; restore it from backup or index the films anew"
    return ArchiveCorrupt(Said("manifest_damaged", told, file=NAME))


def _from_fields(fields: object) -> Manifest:
    if not isinstance(fields, dict):
        raise _damaged()
    if "format" not in fields:
        raise _damaged()
    if fields["format"] != FORMAT:
        told = (
            "{file} has format {found}, this caselink reads {known}; index the films into a new archive, or use the "
            "caselink that made this one"
        )
        raise ArchiveError(Said("manifest_format", told, file=NAME, found=repr(fields["format"]), known=FORMAT))
    if fields.pop("check", None) != _digest(fields):
        raise _damaged()
    try:
        del fields["format"]
        card = ModelCard.from_json(json.dumps(fields.pop("card")))
        catalogue = PublishedFile(**fields.pop("catalogue"))
        for name in ("segments", "encoder_files"):
            fields[name] = tuple(PublishedFile(**file) for file in fields[name])
        index = fields.pop("index")
        index["files"] = tuple(PublishedFile(**file) for file in index["files"])
        fields["index"] = IndexFacts(**index)
        packs = tuple(Pack(**pack) for pack in fields.pop("packs"))
        calibration = fields.pop("calibration")
        fields["calibration"] = calibration and PublishedFile(**calibration)
        sources = {name: SourceFacts(**facts) for name, facts in fields.pop("sources").items()}
        return Manifest(card=card, catalogue=catalogue, packs=packs, sources=sources, **fields)
    except (TypeError, KeyError, AttributeError, ValueError):
        raise _damaged() from None


def check_file(root: Path, file: PublishedFile) -> Path:
    """The path of a published file whose bytes are as the manifest says.

    Raises:
        ArchiveCorrupt: naming the file that is missing or changed.
    """
    path = root / file.path
    try:
        found = hash_file(path)
    except OSError as error:
        raise absent(file.path, error) from None
    if found != file.sha256:
        raise changed(file.path)
    return path


def read_file(root: Path, file: PublishedFile) -> bytes:
    """The bytes of a published file, as the manifest says they are.

    Raises:
        ArchiveCorrupt: naming the file that is missing or changed.
    """
    try:
        data = (root / file.path).read_bytes()
    except OSError as error:
        raise absent(file.path, error) from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise changed(file.path)
    return data


def absent(path: str, error: OSError) -> ArchiveCorrupt:
    """The error for a published file that cannot be read."""
    told = "{file} cannot be read ({said}); restore it or index the films anew"
    return ArchiveCorrupt(Said("archive_file_unread", told, file=path, said=str(error.strerror)))


def changed(path: str) -> ArchiveCorrupt:
    """The error for a published file that is not as it was written."""
    told = "{file} has changed since it was written; restore it or index the films anew"
    return ArchiveCorrupt(Said("archive_file_changed", told, file=path))
