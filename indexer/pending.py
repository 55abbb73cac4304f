"""What a run has decided and not yet written: rows of the catalogue, and the tally of outcomes."""

from collections import defaultdict
from dataclasses import dataclass, field

from indexer.catalogue import Catalogue, Row

INDEXED, DUPLICATE, LEFT_OUT = "indexed", "duplicate", "left out"


@dataclass(frozen=True)
class Outcome:
    """What became of one file. of: the file it is a duplicate of. whole: embedded whole, without a region."""

    kind: str
    reason: str = ""
    of: str = ""
    whole: bool = False


@dataclass
class Tally:
    """What became of the films so far. twice: files that the source names more than once, with the reason.

    named: files added whose path holds an identifier of their patient, study or film; paths are stored as they are.
    near: pairs of near-duplicate films found so far, as in `Pending`.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    twice: list[tuple[str, str]] = field(default_factory=list)
    embedded: int = 0
    named: int = 0
    near: dict[tuple[int, int], float] = field(default_factory=dict)

    @property
    def indexed(self) -> int:
        """Files whose film the archive holds."""
        return sum(outcome.kind == INDEXED for outcome in self.outcomes.values())

    @property
    def unmasked(self) -> int:
        """Indexed files that were embedded whole."""
        return sum(outcome.kind == INDEXED and outcome.whole for outcome in self.outcomes.values())

    @property
    def duplicates(self) -> tuple[tuple[str, str], ...]:
        """(file, the file it is a duplicate of)."""
        return tuple((file, o.of) for file, o in self.outcomes.items() if o.kind == DUPLICATE)

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """(file, reason)."""
        return (*((file, o.reason) for file, o in self.outcomes.items() if o.kind == LEFT_OUT), *self.twice)


@dataclass
class Pending:
    """Rows noted since the last flush, each table's by its key, so that the last word on a row is written.

    stale, stale_patients: keys of stored rows that are withdrawn or replaced. stale_ledger: the like, by source.
    withdrawn: films that are not held any more. near: likeness of pairs of near-duplicate films, the lower id first.
    told_again: patients whose stored events this source tells anew.
    """

    films: dict[int, Row] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)
    withdrawn: set[int] = field(default_factory=set)
    near: dict[tuple[int, int], float] = field(default_factory=dict)
    ledger: dict[tuple[str, str], Row] = field(default_factory=dict)
    patients: dict[str, Row] = field(default_factory=dict)
    lesions: list[Row] = field(default_factory=list)
    stale_patients: set[str] = field(default_factory=set)
    stale_ledger: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    told_again: set[str] = field(default_factory=set)
    events: list[Row] = field(default_factory=list)

    def replace_film(self, row: Row) -> None:
        """Note another row for a film that was stored or noted before."""
        self.stale.add(row["film"])
        self.films[row["film"]] = row

    def withdraw_film(self, film: int) -> None:
        """Note that a film is no longer held."""
        self.stale.add(film)
        self.withdrawn.add(film)
        self.films.pop(film, None)
        self.near = {couple: alike for couple, alike in self.near.items() if film not in couple}

    def write(self, catalogue: Catalogue, source: str) -> None:
        """Bring everything noted into the catalogue; the events are those that `source` tells.

        Rows go in one transaction and come in another: DuckDB sees a key twice where one does both.

        Raises:
            DiskFull: the catalogue must not be published any more.
        """
        with catalogue.transaction():
            catalogue.delete("films", "film", self.stale)
            for column in ("film", "other"):
                catalogue.delete("near", column, self.withdrawn)
            catalogue.delete("patients", "patient", self.stale_patients)
            if self.told_again:
                catalogue.forget_events(source, self.told_again)
            for name, files in self.stale_ledger.items():
                catalogue.forget_files(name, list(files))
        with catalogue.transaction():
            catalogue.insert("films", list(self.films.values()))
            catalogue.insert("patients", list(self.patients.values()))
            catalogue.insert("lesions", self.lesions)
            catalogue.insert("events", self.events)
            pairs = [{"film": one, "other": two, "likeness": alike} for (one, two), alike in self.near.items()]
            catalogue.insert("near", pairs)
            catalogue.insert("ledger", list(self.ledger.values()))
