"""Every error that caselink raises on purpose.

CaselinkError
├── FilmError              one film cannot be used; the others go on
│   ├── UnreadableFilm     empty, truncated, renamed, a lying header, not an image
│   └── UnsupportedFilm    readable, but not one grey picture of sensible size
├── RegionError            a region outside its film, or empty
├── EncoderError           weights or runtime cannot be had
│   └── ModelMismatch      vectors of two models must not meet
├── RecipeError            a recipe that is not there, or asks for something out of range
├── TrainingError          films that nothing can be learned from as asked
├── SourceError            a folder of films or its tables cannot be understood
├── ArchiveError           the archive cannot be opened, written or trusted
│   ├── ArchiveBusy        another writer holds it
│   ├── ArchiveCorrupt     a file's hash is not the manifest's
│   ├── IndexUnsupported   an index's library is missing, or cannot do what was asked
│   └── DiskFull           no room left; what was acknowledged is safe
├── JournalError           the journal of what people wrote cannot be read or written
└── QueryError             a question that has no answer as asked (k, patients, filter)
    ├── FilterError        (indexer.filters) a filter that cannot be parsed
    ├── StaleWrite         a text was changed by somebody else since it was read
    └── NotFound           no such patient, film or file

Each message names the value, the limit and the cure, in one sentence a user can act on; one that the pages can meet is
a `Said`, so that they can say it in another language.
"""

from engine.said import Said


class CaselinkError(Exception):
    """Base of every deliberate error; its text is fit for a user's eyes and holds no patient identifier."""

    @property
    def said(self) -> Said:
        """Its sentence, with its code where it has one."""
        return Said.known(self.args[0] if self.args and isinstance(self.args[0], str) else str(self))


class FilmError(CaselinkError):
    """One film cannot be used."""


class UnreadableFilm(FilmError):
    """The file's bytes are not a whole image."""


class UnsupportedFilm(FilmError):
    """A whole image, but not one that caselink compares (colour, many frames, no pixels, too large or small)."""


class RegionError(CaselinkError):
    """A region that is empty or lies outside its film."""


class EncoderError(CaselinkError):
    """An encoder cannot be built, loaded or run."""


class ModelMismatch(EncoderError):
    """Vectors made by different models were about to be compared."""


class RecipeError(CaselinkError):
    """A recipe that is not there, or that asks for something out of range."""


class TrainingError(CaselinkError):
    """Films that nothing can be learned from as asked, or a run that cannot go on."""


class SourceError(CaselinkError):
    """A source of films, or one of its tables, cannot be understood."""


class ArchiveError(CaselinkError):
    """The archive cannot be opened, written or trusted."""


class ArchiveBusy(ArchiveError):
    """Another process is writing this archive."""


class ArchiveCorrupt(ArchiveError):
    """A file of the archive does not match its manifest."""


class IndexUnsupported(ArchiveError):
    """An index's library is missing, or this version of it cannot do what was asked."""


class DiskFull(ArchiveError):
    """The disk has no room left."""


class JournalError(CaselinkError):
    """The journal of what people wrote cannot be read or written."""


class QueryError(CaselinkError):
    """A query that cannot be answered as asked."""


class NotFound(QueryError):
    """No such patient, film or file."""


class StaleWrite(QueryError):
    """A text was changed by somebody else since its writer read it.

    current, revision: as the text stands now. yours: what was refused. Both are kept for the writer to merge.
    """

    def __init__(self, message: str, current: str, revision: int, yours: str) -> None:
        super().__init__(message)
        self.current, self.revision, self.yours = current, revision, yours
