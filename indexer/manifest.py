"""The manifest: the one file that says what an archive is made of; replaced by rename, last of all."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from engine.card import ModelCard
from engine.errors import ArchiveCorrupt, ArchiveError
from indexer.durable import hash_file, write_durably

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True)
class PublishedFile:
    """A file of the archive by its relative path, with what its bytes must hash to. rows: vectors in a segment."""

    path: str
    sha256: str
    rows: int = 0


@dataclass(frozen=True)
class SourceFacts:
    """What was said when a source was indexed. roi: whole | mask."""

    layout: str
    issuer: str
    title: str
    roi: str
    synthetic: bool = False


@dataclass(frozen=True)
class Manifest:
    """One published version of an archive."""

    version: int
    created: str
    card: ModelCard
    catalogue: PublishedFile
    segments: tuple[PublishedFile, ...] = ()
    index: str = "exact"
    sources: dict[str, SourceFacts] = field(default_factory=dict)
    next_film: int = 0
    next_vector: int = 0
    next_lesion: int = 0

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
        fields = asdict(self) | {"format": FORMAT, "card": json.loads(self.card.to_json())}
        write_durably(root / NAME, json.dumps(fields, indent=1).encode())


def read_manifest(root: Path) -> Manifest:
    """The published version of the archive in `root`.

    Raises:
        ArchiveError: no archive there, or one of another format.
        ArchiveCorrupt: a manifest that cannot be read.
    """
    try:
        fields = json.loads((root / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArchiveError(f"{root} holds no archive; make one with `caselink index SOURCE --archive {root}`") from None
    except NotADirectoryError:
        raise ArchiveError(f"{root} is a file, not an archive; give the archive's folder") from None
    except ValueError:
        raise ArchiveCorrupt(f"{NAME} is damaged; restore it from backup or index the films anew") from None
    return _from_fields(fields)


def _from_fields(fields: dict[str, object]) -> Manifest:
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ArchiveError(f"the archive's format is not {FORMAT}, which this caselink reads; index the films anew")
    try:
        fields = dict(fields)
        del fields["format"]
        card = ModelCard.from_json(json.dumps(fields.pop("card")))
        catalogue = PublishedFile(**fields.pop("catalogue"))  # type: ignore[arg-type]
        segments = tuple(PublishedFile(**segment) for segment in fields.pop("segments"))  # type: ignore[attr-defined]
        sources = {name: SourceFacts(**facts) for name, facts in fields.pop("sources").items()}  # type: ignore[attr-defined]
        return Manifest(card=card, catalogue=catalogue, segments=segments, sources=sources, **fields)  # type: ignore[arg-type]
    except (TypeError, KeyError, AttributeError, ValueError):
        raise ArchiveCorrupt(f"{NAME} is damaged; restore it from backup or index the films anew") from None


def check_file(root: Path, file: PublishedFile) -> Path:
    """The path of a published file whose bytes are as the manifest says.

    Raises:
        ArchiveCorrupt: naming the file that is missing or changed.
    """
    path = root / file.path
    if not path.is_file():
        raise ArchiveCorrupt(f"{file.path} is missing from the archive; restore it or index the films anew")
    if hash_file(path) != file.sha256:
        raise ArchiveCorrupt(f"{file.path} has changed since it was written; restore it or index the films anew")
    return path
