"""Enrolling prepared films in the catalogue: pseudonyms, patients, lesions, histories, duplicates, ledger."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from engine.radiograph import Header, Spacing
from indexer.catalogue import Row
from indexer.prepare import Known, Prepared, merge
from indexer.records import FilmRecord, History, Lesion
from indexer.sources.base import Listing
from indexer.writer import ArchiveWriter

INDEXED, DUPLICATE, LEFT_OUT = "indexed", "duplicate", "left out"
LesionKey = tuple[str, Lesion]


@dataclass
class Tally:
    """What became of the films so far."""

    indexed: int = 0
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    embedded: int = 0
    unmasked: int = 0


class Enroller:
    """Turns `Prepared` films of one source into rows; `flush` hands them to the catalogue."""

    def __init__(self, writer: ArchiveWriter, listing: Listing, source: str) -> None:
        self.tally = Tally()
        self._writer, self._listing, self._source = writer, listing, source
        names = writer.pseudonyms
        self._histories = {names.patient(k, listing.issuer): h for k, h in listing.histories.items()}
        catalogue = writer.catalogue
        rows = catalogue.rows("SELECT * FROM films")
        self._films: dict[int, Row] = {row["film"]: row for row in rows}
        self._by_sha: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self._by_sha[row["sha256"]].append(row)
        self._ledger = {r["file"]: r for r in catalogue.rows("SELECT * FROM ledger WHERE source = ?", [source])}
        self._patients = {row["patient"] for row in catalogue.rows("SELECT patient FROM patients")}
        self._lesions = {(r["patient"], _lesion(r)): r["lesion"] for r in catalogue.rows("SELECT * FROM lesions")}
        self._told: set[str] = set()
        self._pending: dict[str, list[Row]] = defaultdict(list)
        self._replaced: list[int] = []

    def known(self) -> dict[str, Known]:
        """What the ledger says of the source's files, for those that need not be read again."""
        done = (row for row in self._ledger.values() if row["outcome"] != LEFT_OUT)
        return {row["file"]: Known(row["sha256"], row["region_key"]) for row in done}

    def enrol(self, item: Prepared) -> None:
        """Decide what becomes of one film and note its rows."""
        old = self._ledger.get(item.record.file)
        if item.reason is not None:
            self.tally.left_out.append((item.record.file, item.reason))
            self._note(item, LEFT_OUT, item.reason, None)
        elif item.kept and old is not None:
            self._keep(item, old)
        else:
            self._add(item)

    def flush(self) -> None:
        """Write the rows noted since the last flush to the writer's catalogue."""
        catalogue = self._writer.catalogue
        catalogue.delete("films", "film", self._replaced)
        catalogue.delete("events", "patient", {row["patient"] for row in self._pending["events"]})
        catalogue.forget_files(self._source, [row["file"] for row in self._pending["ledger"]])
        for table, rows in self._pending.items():
            catalogue.insert(table, rows)
        self._pending.clear()
        self._replaced.clear()

    def _add(self, item: Prepared) -> None:
        assert item.film is not None and item.region is not None and item.vector is not None
        header = merge(item.record.header, item.film.header)
        patient = self._pseudonym(header, item.sha256)
        twin = self._twin(item, patient, anonymous=header.patient is None)
        if twin is not None:
            self.tally.duplicates.append((item.record.file, twin["file"]))
            self._note(item, DUPLICATE, f"duplicate of {twin['file']}", twin["film"])
            return
        row = self._film_row(item, header, patient)
        self._replace_old(item.record.file)
        self._films[row["film"]] = row
        self._by_sha[item.sha256].append(row)
        self._pending["films"].append(row)
        self._note(item, INDEXED, None, row["film"])
        self.tally.indexed += 1
        self.tally.unmasked += item.region_key == "whole"

    def _keep(self, item: Prepared, old: Row) -> None:
        """A film known from an earlier run: its vector stays, what the tables say of it is brought up to date."""
        if old["outcome"] == DUPLICATE:
            self.tally.duplicates.append((item.record.file, old["reason"].removeprefix("duplicate of ")))
            return
        row = self._films[old["film"]]
        fresh = row | {k: v for k, v in self._table_facts(item.record, row["patient"]).items() if v is not None}
        if fresh != row:
            self._replaced.append(row["film"])
            self._pending["films"].append(fresh)
            self._films[row["film"]] = fresh
        self._tell_history(row["patient"], item.record, row["sex"])
        self.tally.indexed += 1
        self.tally.unmasked += item.region_key == "whole"

    def _twin(self, item: Prepared, patient: str, *, anonymous: bool) -> Row | None:
        """The archived film that has the same bytes and the same patient (or any, where this one has none)."""
        for row in self._by_sha[item.sha256]:
            is_itself = row["source"] == self._source and row["file"] == item.record.file
            if not is_itself and (anonymous or row["patient"] == patient):
                return row
        return None

    def _vector(self, item: Prepared) -> int:
        """The id of the film's vector: that of another patient's film with the same bytes and region, or a new one."""
        for row in self._by_sha[item.sha256]:
            if row["region_key"] == item.region_key:
                return int(row["vector"])
        assert item.vector is not None
        self.tally.embedded += 1
        return self._writer.add_vector(item.vector)

    def _film_row(self, item: Prepared, header: Header, patient: str) -> Row:
        film, region, record = item.film, item.region, item.record
        assert film is not None and region is not None and record.path is not None
        names = self._writer.pseudonyms
        self._tell_history(patient, record, header.sex)
        facts: Row = {
            "film": self._writer.new_film(),
            "patient": patient,
            "study": names.study(header.study) if header.study else None,
            "vector": self._vector(item),
            "sha256": item.sha256,
            "uri": record.path.resolve().as_uri(),
            "file": record.file,
            "source": self._source,
            "body_part": header.body_part,
            "rows": film.shape[0],
            "columns": film.shape[1],
            "region": region.origin.value,
            "region_key": item.region_key,
            "warnings": "; ".join(film.warnings) or None,
        }
        merged = replace(record, header=header)
        box = dict(zip(("x0", "y0", "x1", "y1"), region.box, strict=True))
        spacing = _millimetres("spacing", film.spacing) | _millimetres("detector", film.detector_spacing)
        return facts | box | spacing | self._table_facts(merged, patient)

    def _table_facts(self, record: FilmRecord, patient: str) -> Row:
        """The columns that tables speak of, which may change while the film does not."""
        header = record.header
        lesion = self._lesion_of(record, patient)
        return {
            "lesion": None if lesion is None else self._lesion_id(patient, lesion),
            "view": header.view,
            "side": header.side,
            "site": record.site or (lesion.site if lesion else None),
            "age": header.age,
            "sex": header.sex and header.sex.value,
            "centre": record.centre,
            "taken": header.taken,
            "stage": header.stage.value,
            "split_group": self._group(record) or patient,
        }

    def _lesion_of(self, record: FilmRecord, patient: str) -> Lesion | None:
        """The film's lesion: its own, else the patient's only one, else the one at the film's site."""
        if record.lesion is not None:
            return record.lesion
        lesions = self._histories.get(patient, History()).lesions
        if len(lesions) <= 1:
            return lesions[0] if lesions else None
        here = [lesion for lesion in lesions if lesion.site == record.site and record.site]
        return here[0] if len(here) == 1 else None

    def _lesion_id(self, patient: str, lesion: Lesion) -> int:
        key: LesionKey = (patient, lesion)
        if key not in self._lesions:
            self._lesions[key] = self._writer.new_lesion()
            self._pending["lesions"].append(vars(lesion) | {"lesion": self._lesions[key], "patient": patient})
        return self._lesions[key]

    def _tell_history(self, patient: str, record: FilmRecord, sex: str | None) -> None:
        """Note a patient and the events of their history, once a run."""
        if patient in self._told:
            return
        self._told.add(patient)
        if patient not in self._patients:
            self._patients.add(patient)
            group = self._group(record) or patient
            self._pending["patients"].append({"patient": patient, "sex": sex and str(sex), "split_group": group})
        for event in self._histories.get(patient, History()).events:
            self._pending["events"].append(vars(event) | {"patient": patient, "kind": event.kind.value})

    def _group(self, record: FilmRecord) -> str | None:
        return self._writer.pseudonyms.group(record.group, self._listing.issuer) if record.group else None

    def _pseudonym(self, header: Header, sha256: str) -> str:
        names = self._writer.pseudonyms
        return names.patient(header.patient, self._listing.issuer) if header.patient else names.patient(sha256, "film")

    def _replace_old(self, file: str) -> None:
        """A file whose bytes or region changed: its film of before makes room."""
        old = self._ledger.get(file)
        if old is not None and old["outcome"] == INDEXED:
            self._replaced.append(old["film"])
            row = self._films.pop(old["film"])
            self._by_sha[row["sha256"]].remove(row)

    def _note(self, item: Prepared, outcome: str, reason: str | None, film: int | None) -> None:
        self._pending["ledger"].append(
            {
                "source": self._source,
                "file": item.record.file,
                "outcome": outcome,
                "reason": reason,
                "film": film,
                "sha256": item.sha256,
                "region_key": item.region_key,
            }
        )


def _lesion(row: Row) -> Lesion:
    names = ("entity", "malignancy", "site", "side", "dated", "proof")
    return Lesion(*(row[name] for name in names))


def _millimetres(name: str, spacing: Spacing | None) -> dict[str, float | None]:
    return {f"{name}_row": spacing and spacing.row, f"{name}_column": spacing and spacing.column}
