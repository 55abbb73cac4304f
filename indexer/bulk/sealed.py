"""Taking identifiers out of what leaves this process: what a worker is sent, and what it writes, holds pseudonyms."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.radiograph import Header
from indexer.prepare import merge, names_someone
from indexer.pseudonym import Pseudonymiser, Sealed
from indexer.records import FilmRecord, History
from indexer.sources.place import uri_of


@dataclass(frozen=True)
class Sealer:
    """Puts pseudonyms in the place of identifiers. source, issuer: as the films are enrolled."""

    names: Pseudonymiser
    source: str
    issuer: str

    def record(self, record: FilmRecord) -> FilmRecord:
        """A film's record without identifiers, nor what preparing it does not need: its group and centre."""
        return replace(record, header=self._header(record.header), group=None, centre=None)

    def histories(self, histories: Mapping[str, History]) -> dict[str, History]:
        """The lesions of each patient, by pseudonym; no events."""
        return {self._patient(key): History(history.lesions) for key, history in histories.items()}

    def __call__(self, record: FilmRecord, header: Header) -> tuple[Header, bool]:
        """What a film's own header says, sealed, and whether its path holds an identifier of it. record: sealed."""
        named = names_someone(uri_of(self.source, record.file), merge(record.header, header))
        return self._header(header), named

    def _header(self, header: Header) -> Header:
        patient = header.patient and self._patient(header.patient)
        study = header.study and Sealed(self.names.study(header.study))
        return replace(header, patient=patient, study=study, instance=None)

    def _patient(self, identifier: str) -> Sealed:
        return Sealed(self.names.patient(identifier, self.issuer))
