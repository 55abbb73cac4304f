"""What a visitor has open on the board."""

from dataclasses import dataclass, field
from uuid import uuid4

from api.client import ApiProblem, ApiUnreachable
from api.schemas import BoardCase, KeptDraft, PatientHistory


@dataclass
class Draft:
    """A section that is being written. revision: of the stored text that its writer has in view.

    id: under which the API keeps it. kept: as it last did, None before. trouble: why it could not since.
    """

    text: str
    revision: int
    id: str = field(default_factory=lambda: uuid4().hex)
    kept: KeptDraft | None = None
    trouble: ApiProblem | ApiUnreachable | None = None


@dataclass(frozen=True)
class Documents:
    """A case as files, by their format, in a language; of the case as it was then."""

    case: BoardCase
    language: str
    files: dict[str, bytes]


@dataclass
class Board:
    """What is open. case: number of the open case, None for the agenda. held: that case as last read, at `read_at`.

    linked: the case that the page's address names, as the page last wrote it. drafts: by case and section. offered:
    what the API keeps of the open case beside these, from before a reload. histories: of precedents' patients, fetched
    once; None where the archive has them no longer. before: where each page of a list begins, to page on and back.
    refusals: sentences on files that were not added. said: what was done last. uploads: fields for films used up.
    """

    case: int | None = None
    held: BoardCase | None = None
    read_at: float = 0.0
    linked: int | None = None
    drafts: dict[tuple[int, str], Draft] = field(default_factory=dict)
    offered: tuple[KeptDraft, ...] = ()
    histories: dict[str, PatientHistory | None] = field(default_factory=dict)
    before: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    said: str | None = None
    uploads: int = 0
    documents: Documents | None = None

    def open(self, case: BoardCase) -> None:
        """Turn to a case that was just read."""
        self.case, self.held = case.case.case, case
        self.refusals, self.said = [], None

    def close(self) -> None:
        """Back to the agenda; what was being written stays."""
        self.case, self.held = None, None
        self.refusals, self.said, self.offered = [], None, ()

    def follow(self, address: str | None) -> None:
        """Turn to the case that the page's address names, after a reload or by a link. address: None names none."""
        if address is not None and address.isdecimal() and int(address) != self.linked:
            self.case, self.held, self.offered = int(address), None, ()
        self.linked = self.case
