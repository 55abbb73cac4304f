"""FracAtlas's layout (Abedeen et al., Scientific Data 2023): images/, dataset.csv and COCO boxes of fractures."""

import json
from collections import defaultdict
from pathlib import Path

from engine.errors import SourceError
from engine.radiograph import Header
from indexer.records import FilmRecord, Lesion, Proof
from indexer.sources.base import Listing, SourceOptions
from indexer.sources.tables import no_row, read_table

REGIONS = ("hand", "leg", "hip", "shoulder")
VIEWS = ("frontal", "lateral", "oblique")
COLUMNS = ("image_id", *REGIONS, "fractured", *VIEWS)
Box = tuple[int, int, int, int]


class FracAtlasSource:
    """No patients, ages or sexes: every film stands for one patient of its own."""

    def recognises(self, root: Path) -> bool:
        """See `Source.recognises`."""
        return (root / "dataset.csv").is_file() and (root / "images").is_dir()

    def list(self, root: Path, options: SourceOptions) -> Listing:
        """See `Source.list`."""
        boxes = _boxes(root / "coco.json")
        rows = read_table(root / "dataset.csv", COLUMNS)
        films = [self._film(root, row, boxes.get(row["image_id"], ())) for row in rows]
        named = {row["image_id"] for row in rows}
        for path in sorted((root / "images").iterdir()):
            if path.is_file() and path.name not in named:
                films.append(FilmRecord(f"images/{path.name}", path, problem=no_row("dataset.csv")))
        return Listing(films, options.issuer or "fracatlas", "FracAtlas")

    def _film(self, root: Path, row: dict[str, str], boxes: tuple[Box, ...]) -> FilmRecord:
        path = root / "images" / row["image_id"]
        site = ";".join(name for name in REGIONS if row[name] == "1") or None
        entity = "fracture" if row["fractured"] == "1" else "no fracture"
        views = [name for name in VIEWS if row[name] == "1"]
        return FilmRecord(
            f"images/{row['image_id']}",
            path if path.is_file() else None,
            Header(view=views[0] if len(views) == 1 else None),
            Lesion(entity, "none", site, proof=Proof.reference),
            site=site,
            boxes=boxes,
        )


def _boxes(path: Path) -> dict[str, tuple[Box, ...]]:
    """Fracture boxes by film, in film pixels; none where there is no COCO file."""
    if not path.is_file():
        return {}
    try:
        coco = json.loads(path.read_text(encoding="utf-8"))
        names = {image["id"]: image["file_name"] for image in coco["images"]}
        found: dict[str, list[Box]] = defaultdict(list)
        for annotation in coco["annotations"]:
            x, y, width, height = annotation["bbox"]
            box = (max(int(x), 0), max(int(y), 0), int(x + width) + 1, int(y + height) + 1)
            found[names[annotation["image_id"]]].append(box)
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path.name} is not a COCO file with boxes ({type(error).__name__}); mend it") from None
    return {name: tuple(boxes) for name, boxes in found.items()}
