"""Enrolling prepared films in the catalogue: pseudonyms, patients, lesions, histories, duplicates, ledger."""

from collections import defaultdict

from engine.radiograph import Header, Spacing, Stage
from engine.region import Origin
from engine.said import Said
from indexer.catalogue import Row
from indexer.duplicates.archive import NearFilms
from indexer.duplicates.groups import NearCounts, components, near_counts
from indexer.packs import COLUMNS, Place, read_picture
from indexer.pending import DUPLICATE, INDEXED, LEFT_OUT, Outcome, Pending, Tally
from indexer.prepare import Known, Prepared, merge, names_someone
from indexer.records import FilmRecord, History, Lesion, film_lesion
from indexer.remarks import as_json
from indexer.sources.base import Listing
from indexer.sources.place import uri_of
from indexer.writer import ArchiveWriter

LesionKey = tuple[str, Lesion]
NAMED_TWICE = "the source names this file twice; keep one row of it"


class Enroller:
    """Turns `Prepared` films of one source into rows; `flush` hands them to the catalogue.

    A film whose file can no longer be read from disk stays as it is; one whose file changed, or whose table row is
    gone, makes room, and a duplicate of it, if there is one, takes its place.
    """

    def __init__(self, writer: ArchiveWriter, listing: Listing, source: str) -> None:
        self.tally = Tally()
        self._writer, self._listing, self._source = writer, listing, source
        names = writer.pseudonyms
        self._histories = {names.patient(k, listing.issuer): h for k, h in listing.histories.items()}
        catalogue = writer.catalogue
        self._films: dict[int, Row] = {row["film"]: row for row in catalogue.rows("SELECT * FROM films")}
        self._by_sha: dict[str, list[Row]] = defaultdict(list)
        for row in self._films.values():
            self._by_sha[row["sha256"]].append(row)
        self._ledger = {r["file"]: r for r in catalogue.rows("SELECT * FROM ledger WHERE source = ?", [source])}
        self._doubles: dict[int, list[Row]] = defaultdict(list)
        for row in catalogue.rows("SELECT * FROM ledger WHERE outcome = ? ORDER BY source, file", [DUPLICATE]):
            self._doubles[row["film"]].append(row)
        self._patients = {row["patient"]: row for row in catalogue.rows("SELECT * FROM patients")}
        self._lesions = {(r["patient"], _lesion(r)): r["lesion"] for r in catalogue.rows("SELECT * FROM lesions")}
        self.near = self._near_films()
        self._told: set[str] = set()
        told = catalogue.rows("SELECT DISTINCT patient FROM events WHERE told_by = ?", [source])
        self._told_before = {row["patient"] for row in told}
        self._pending = Pending()

    def _near_films(self) -> NearFilms:
        stored = {(r["film"], r["other"]): r["likeness"] for r in self._writer.catalogue.rows("SELECT * FROM near")}
        root = self._writer.root
        return NearFilms(self._films, stored, lambda row: read_picture(root, Place(*(row[name] for name in COLUMNS))))

    def known(self) -> dict[str, Known]:
        """What the ledger says of the source's files, for those that need not be read again.

        A file whose table now names another patient is read again, and enrolled as that patient's.
        """
        found = {}
        for record in self._listing.films:
            row = self._ledger.get(record.file)
            if row is not None and row["outcome"] != LEFT_OUT and self._same_patient(record, row):
                found[record.file] = Known(row["sha256"], row["region_key"])
        return found

    def _same_patient(self, record: FilmRecord, row: Row) -> bool:
        stated = record.header.patient
        name = stated and self._writer.pseudonyms.patient(stated, self._listing.issuer)
        return not name or bool(self._films[row["film"]]["patient"] == name)

    def enrol(self, item: Prepared) -> None:
        """Decide what becomes of one film and note its rows."""
        record = item.record
        if record.file in self.tally.outcomes:
            self.tally.twice.append((record.file, NAMED_TWICE))
            return
        old = self._ledger.get(record.file)
        out_of_sight = not item.sha256 and record.problem is None
        if old is not None and old["outcome"] != LEFT_OUT and (item.kept or out_of_sight):
            self._keep(record, old)
        elif item.reason is not None:
            self._make_room(record.file)
            self._note(item, LEFT_OUT, item.reason, None)
            self.tally.outcomes[record.file] = Outcome(LEFT_OUT, item.reason)
        else:
            self._add(item)

    def near_found(self) -> tuple[tuple[str, str, float], ...]:
        """(file, the archived file it is a near-duplicate of, likeness) of the pairs that this run's films made."""
        held = {couple: alike for couple, alike in self.tally.near.items() if couple in self.near.pairs}
        return tuple((self._films[two]["file"], self._films[one]["file"], alike) for (one, two), alike in held.items())

    def near_counts(self) -> NearCounts:
        """How many films of the archive have a near-duplicate."""
        return near_counts(components(self.near.pairs), {film: row["patient"] for film, row in self._films.items()})

    def flush(self) -> None:
        """Write the rows noted since the last flush to the writer's catalogue.

        Raises:
            DiskFull: see `Pending.write`.
        """
        self._pending.write(self._writer.catalogue, self._source)
        self._pending = Pending()

    def _add(self, item: Prepared) -> None:
        assert item.film is not None
        file = item.record.file
        header = merge(item.record.header, item.film.header)
        patient = self._pseudonym(header, item.sha256)
        twin = self._twin(item, patient, anonymous=header.patient is None)
        if twin is not None:
            self._make_room(file)
            self._doubles[twin["film"]].append(self._note(item, DUPLICATE, _double_of(twin), twin["film"]))
            self.tally.outcomes[file] = Outcome(DUPLICATE, of=twin["file"])
            return
        row = self._film_row(item, header, patient)
        self._make_room(file)
        found = self.near.meet(row)
        self._pending.near |= found
        self.tally.near |= found
        self._films[row["film"]] = row
        self._by_sha[item.sha256].append(row)
        self._pending.films[row["film"]] = row
        self._note(item, INDEXED, None, row["film"])
        self.tally.outcomes[file] = Outcome(INDEXED, whole=_whole(row))
        self.tally.named += item.named or names_someone(row["uri"], header)

    def _keep(self, record: FilmRecord, old: Row) -> None:
        """A film known from an earlier run: its vector stays, what the tables say of it is brought up to date."""
        row = self._films[old["film"]]
        if old["outcome"] == DUPLICATE:
            self.tally.outcomes[record.file] = Outcome(DUPLICATE, of=row["file"])
            return
        fresh = row | {k: v for k, v in self._table_facts(record, record.header, row["patient"]).items() if _says(v)}
        if fresh != row:
            self._change(row, fresh)
        self._tell_history(row["patient"], record, fresh["sex"])
        self.tally.outcomes[record.file] = Outcome(INDEXED, whole=_whole(row))

    def _change(self, row: Row, fresh: Row) -> None:
        self._films[row["film"]] = fresh
        kin = self._by_sha[row["sha256"]]
        kin[kin.index(row)] = fresh
        self._pending.replace_film(fresh)

    def _twin(self, item: Prepared, patient: str, *, anonymous: bool) -> Row | None:
        """The archived film that has the same bytes and the same patient (or any, where this one has none)."""
        for row in self._by_sha[item.sha256]:
            is_itself = row["source"] == self._source and row["file"] == item.record.file
            if not is_itself and (anonymous or row["patient"] == patient):
                return row
        return None

    def _make_room(self, file: str) -> None:
        """Let go of what the ledger says of a file: its film goes to the first duplicate, or out of the archive."""
        old = self._ledger.get(file)
        if old is None or old["outcome"] == LEFT_OUT:
            return
        doubles = self._doubles[old["film"]]
        if old["outcome"] == DUPLICATE:
            doubles[:] = [row for row in doubles if (row["source"], row["file"]) != (self._source, file)]
        elif doubles:
            self._hand_over(self._films[old["film"]], doubles)
        else:
            row = self._films.pop(old["film"])
            self._by_sha[row["sha256"]].remove(row)
            self.near.leave(row["film"])
            self._pending.withdraw_film(row["film"])

    def _hand_over(self, row: Row, doubles: list[Row]) -> None:
        """Let a film's first duplicate be the file that stands for it."""
        heir = doubles.pop(0)
        place = {"source": heir["source"], "file": heir["file"]}
        fresh = row | place | {"uri": uri_of(heir["source"], heir["file"])}
        self._change(row, fresh)
        self._write_ledger(heir | {"outcome": INDEXED, "reason": None, "region_key": row["region_key"]})
        doubles[:] = [self._write_ledger(other | {"reason": _double_of(fresh)}) for other in doubles]

    def _write_ledger(self, row: Row) -> Row:
        """Note a ledger row, and its outcome where it was counted in this run."""
        source, file = row["source"], row["file"]
        self._pending.ledger[source, file] = row
        if source != self._source or file in self._ledger:
            self._pending.stale_ledger[source].add(file)
        if source == self._source:
            self._ledger[row["file"]] = row
            if row["file"] in self.tally.outcomes and row["outcome"] != LEFT_OUT:
                of = self._films[row["film"]]["file"] if row["outcome"] == DUPLICATE else ""
                whole = _whole(self._films[row["film"]])
                self.tally.outcomes[row["file"]] = Outcome(row["outcome"], of=of, whole=whole)
        return row

    def _vector(self, item: Prepared) -> int:
        """The id of the film's vector: that of another patient's film with the same bytes and region, or a new one."""
        for row in self._by_sha[item.sha256]:
            if row["region_key"] == item.region_key:
                return int(row["vector"])
        assert item.vector is not None
        self.tally.embedded += 1
        return self._writer.add_vector(item.vector)

    def _thumbnail(self, item: Prepared) -> Row:
        """Where the film's small picture lies: where that of a film with the same bytes does, or in a new place."""
        twin = next(iter(self._by_sha[item.sha256]), None)
        if twin is not None:
            return {name: twin[name] for name in COLUMNS}
        return dict(zip(COLUMNS, self._writer.add_thumbnail(item.thumbnail), strict=True))

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
            "uri": uri_of(self._source, record.file),
            "file": record.file,
            "source": self._source,
            "body_part": header.body_part,
            "rows": film.shape[0],
            "columns": film.shape[1],
            "region": region.origin.value,
            "region_key": item.region_key,
            "warnings": "; ".join(film.warnings) or None,
            "phash": item.phash,
        }
        facts |= self._thumbnail(item)
        box = dict(zip(("x0", "y0", "x1", "y1"), region.box, strict=True))
        spacing = _millimetres("spacing", film.spacing) | _millimetres("detector", film.detector_spacing)
        return facts | box | spacing | self._table_facts(record, header, patient)

    def _table_facts(self, record: FilmRecord, header: Header, patient: str) -> Row:
        """The columns that tables speak of, which may change while the film does not."""
        lesion = film_lesion(record, self._histories.get(patient, History()).lesions)
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

    def _lesion_id(self, patient: str, lesion: Lesion) -> int:
        key: LesionKey = (patient, lesion)
        if key not in self._lesions:
            self._lesions[key] = self._writer.new_lesion()
            self._pending.lesions.append(vars(lesion) | {"lesion": self._lesions[key], "patient": patient})
        return int(self._lesions[key])

    def _tell_history(self, patient: str, record: FilmRecord, sex: str | None) -> None:
        """Note a patient, and once a run the events of their history."""
        group = self._group(record) or patient
        known = self._patients.get(patient)
        first = patient not in self._told
        if known is None or (sex and known["sex"] != sex and (first or known["sex"] is None)):
            self._patients[patient] = {"patient": patient, "sex": sex and str(sex), "split_group": group}
            self._pending.patients[patient] = self._patients[patient]
            if known is not None:
                self._pending.stale_patients.add(patient)
        if first:
            self._told.add(patient)
            if patient in self._told_before:
                self._pending.told_again.add(patient)
            for event in self._histories.get(patient, History()).events:
                row = vars(event) | {"patient": patient, "kind": event.kind.value, "told_by": self._source}
                self._pending.events.append(row)

    def _group(self, record: FilmRecord) -> str | None:
        return self._writer.pseudonyms.group(record.group, self._listing.issuer) if record.group else None

    def _pseudonym(self, header: Header, sha256: str) -> str:
        names = self._writer.pseudonyms
        return names.patient(header.patient, self._listing.issuer) if header.patient else names.patient(sha256, "film")

    def _note(self, item: Prepared, outcome: str, reason: str | None, film: int | None) -> Row:
        row: Row = {"source": self._source, "file": item.record.file, "outcome": outcome, "reason": reason}
        row |= {"film": film, "sha256": item.sha256, "region_key": item.region_key}
        row["said"] = as_json(reason) if isinstance(reason, Said) else None
        return self._write_ledger(row)


def _whole(row: Row) -> bool:
    """Whether a film was embedded whole for want of a mask, or of a proposed region with confidence enough."""
    key = str(row["region_key"]).partition(", facts")[0]
    return key == "whole" or (key.startswith("segmented ") and row["region"] == Origin.whole.value)


def _double_of(row: Row) -> str:
    return f"duplicate of {row['file']}"


def _says(value: object) -> bool:
    """Whether a table says anything with this value."""
    return value is not None and value != Stage.unknown.value


def _lesion(row: Row) -> Lesion:
    names = ("entity", "malignancy", "site", "side", "dated", "proof")
    return Lesion(*(row[name] for name in names))


def _millimetres(name: str, spacing: Spacing | None) -> dict[str, float | None]:
    row, column = (None, None) if spacing is None else (spacing.row, spacing.column)
    return {f"{name}_row": row, f"{name}_column": column}
