"""BTXRD's layout (Yao et al., Scientific Data 2025): images/, masks/ and cases.csv with patients and split groups."""

from pathlib import Path

from engine.radiograph import Header
from indexer.records import FilmRecord, Lesion, Proof
from indexer.sources.base import Listing, SourceOptions
from indexer.sources.tables import age_of, no_row, read_table, sex_of

COLUMNS = (
    "image",
    "patient_id",
    "split_group",
    "centre",
    "age",
    "sex",
    "entity",
    "malignancy",
    "site",
    "view",
)


class BtxrdSource:
    """Patients and split groups are inferred by the table's makers; labels are the data set's own."""

    def recognises(self, root: Path) -> bool:
        """See `Source.recognises`."""
        return (root / "cases.csv").is_file() and (root / "images").is_dir()

    def list(self, root: Path, options: SourceOptions) -> Listing:
        """See `Source.list`."""
        rows = read_table(root / "cases.csv", COLUMNS)
        films = [self._film(root, row) for row in rows]
        named = {row["image"] for row in rows}
        for path in sorted((root / "images").iterdir()):
            if path.is_file() and path.name not in named:
                films.append(FilmRecord(f"images/{path.name}", path, problem=no_row("cases.csv")))
        return Listing(films, options.issuer or "btxrd", "BTXRD")

    def _film(self, root: Path, row: dict[str, str]) -> FilmRecord:
        path, mask = root / "images" / row["image"], root / "masks" / row["image"]
        where = f"cases.csv, {row['image']}"
        header = Header(
            patient=row["patient_id"],
            view=row["view"] or None,
            age=age_of(row["age"], where),
            sex=sex_of(row["sex"], where),
        )
        lesion = Lesion(row["entity"], row["malignancy"] or None, row["site"] or None, proof=Proof.reference)
        return FilmRecord(
            f"images/{row['image']}",
            path if path.is_file() else None,
            header,
            lesion if row["entity"] else None,
            site=row["site"] or None,
            centre=row["centre"] or None,
            group=row["split_group"] or None,
            mask=mask if mask.is_file() else None,
        )
