"""Regions that an archive's segmenter proposes: indexed, asked for over HTTP and on the command line, overruled."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper
from typer.testing import CliRunner

from api.app import create_app
from api.boxes import WHOLE, format_box, parse_roi
from api.cli import app
from api.lookup import query_film
from api.settings import Settings
from engine.encoders import EncoderFiles, OnnxEmbedder, encoder_files
from engine.errors import ArchiveCorrupt, EncoderError, RegionError, SourceError
from engine.region import Origin
from engine.segmentation import Segmenter, SegmenterCard
from engine.segmentation.card import Calibration
from engine.segmentation.metrics import scores
from indexer.archive import Archive, read_segments
from indexer.ingest import IngestReport, ingest
from indexer.manifest import read_manifest
from indexer.prepare import Roi
from indexer.regions import open_segmenter
from indexer.segment_metrics import segment_outcomes
from indexer.sources import open_source
from indexer.writer import open_writer

SIDE = 64
SHAPE = (160, 120)
SQUARES = {"a.png": (30, 40, 58, 68), "b.png": (70, 90, 100, 120), "c.png": (20, 100, 50, 130)}


def bright_segmenter(folder: Path, threshold: float = 0.5) -> SegmenterCard:
    """Writes a segmenter that takes bright pixels for lesion, of ten lines instead of a training."""
    grey = helper.make_tensor_value_info("patch", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])
    seen = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", SIDE, SIDE])
    constants = [
        onnx.numpy_helper.from_array(np.array([1]), "axis"),
        onnx.numpy_helper.from_array(np.array(12, np.float32), "steep"),
        onnx.numpy_helper.from_array(np.array(0.3, np.float32), "level"),
    ]
    nodes = [
        helper.make_node("Squeeze", ["patch", "axis"], ["flat"]),
        helper.make_node("Sub", ["flat", "level"], ["over"]),
        helper.make_node("Mul", ["over", "steep"], ["odds"]),
        helper.make_node("Sigmoid", ["odds"], ["features"]),
    ]
    graph = helper.make_graph(nodes, "bright", [grey], [seen], constants)
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    card = SegmenterCard(
        "bright", hashlib.sha256(data).hexdigest(), SIDE, threshold, 0.5, Calibration(), (0.5,), (0.5,),
        "openvino-f32", "nothing", "none", "none",
    )  # fmt: skip
    (folder / "segmenter.onnx").write_bytes(data)
    (folder / "segmenter.json").write_text(card.to_json(), encoding="utf-8")
    return card


def png(box: tuple[int, int, int, int] | None, seed: int) -> bytes:
    """A dim film, with a bright square on it or without."""
    rng = np.random.default_rng(seed)
    grey = rng.integers(20, 90, SHAPE).astype(np.uint8)
    if box is not None:
        x0, y0, x1, y1 = box
        grey[y0:y1, x0:x1] = 235
    done, data = cv2.imencode(".png", grey)
    assert done
    return bytes(data)


@pytest.fixture(scope="module")
def run(encoder_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    """A run with encoder and segmenter."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    shutil.copytree(encoder_files("default", encoder_cache).onnx.parent, folder)
    bright_segmenter(folder)
    return EncoderFiles.read(folder)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three films with a bright square, one without, a table, and masks that show something else."""
    folder = tmp_path_factory.mktemp("source") / "films"
    folder.mkdir()
    for seed, (name, box) in enumerate((SQUARES | {"dim.png": None}).items()):
        (folder / name).write_bytes(png(box, seed))
    rows = [f"{name},p{name[0]},osteosarcoma" for name in [*SQUARES, "dim.png"]]
    (folder / "films.csv").write_text("\n".join(["file,patient_id,entity", *rows]) + "\n", encoding="utf-8")
    return folder


Index = Callable[[Path], IngestReport]


@pytest.fixture(scope="module")
def index(run: EncoderFiles, source: Path) -> Index:
    def go(root: Path) -> IngestReport:
        embedder = OnnxEmbedder.open(run, threads=1)
        with open_writer(root, run.card, run.onnx.parent) as writer:
            return ingest(open_source(source), source, "folder", Roi.segment, embedder, writer, workers=2)

    return go


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, index: Index) -> Path:
    root = tmp_path_factory.mktemp("segmented") / "archive"
    report = index(root)
    assert (report.indexed, report.unmasked, report.unsegmented) == (4, 0, 1)
    assert report.to_dict()["embedded_whole_without_confidence"] == 1
    return root


@pytest.fixture(scope="module")
def http(archive: Path) -> Iterator[TestClient]:
    with TestClient(create_app(archive, Settings(threads=1)), base_url="http://127.0.0.1") as client:
        yield client


def near(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Within a pixel and a half of the segmenter's map, which has 160 / 64 film pixels a pixel."""
    return bool(np.abs(np.subtract(found, wanted)).max() <= 4)


def test_films_are_embedded_by_their_proposed_regions(archive: Path, run: EncoderFiles) -> None:
    fingerprint = Segmenter.load(run.onnx.parent).card.fingerprint
    manifest = read_manifest(archive)
    assert manifest.segmenter == fingerprint
    assert {facts.roi for facts in manifest.sources.values()} == {"segment"}
    with Archive(archive) as opened:
        rows = {row["file"]: row for row in opened.snapshot.catalogue.rows("SELECT * FROM films")}
    for name, box in SQUARES.items():
        row = rows[name]
        assert row["region"] == "segmented"
        assert row["region_key"] == f"segmented {fingerprint}"
        assert near((row["x0"], row["y0"], row["x1"], row["y1"]), box)
    assert rows["dim.png"]["region"] == "whole"


def test_a_second_run_embeds_nothing_and_another_segmenter_everything(
    archive: Path, index: Index, run: EncoderFiles, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(archive, tmp_path / "archive"))
    again = index(root)
    assert (again.embedded, again.indexed, again.unsegmented) == (0, 4, 1)
    other = bright_segmenter(root / "encoder", threshold=0.4)
    with pytest.raises(ArchiveCorrupt, match=other.fingerprint):
        index(root)


def test_an_archive_without_a_segmenter_refuses(encoder_cache: Path, source: Path, tmp_path: Path) -> None:
    files = encoder_files("default", encoder_cache)
    embedder = OnnxEmbedder.open(files, threads=1)
    with (
        open_writer(tmp_path / "archive", files.card, files.onnx.parent) as writer,
        pytest.raises(EncoderError, match="no segmenter"),
    ):
        ingest(open_source(source), source, "folder", Roi.segment, embedder, writer)
    assert open_segmenter(tmp_path / "archive", read_manifest(tmp_path / "archive")) is None


def test_a_query_sees_what_indexing_saw(archive: Path, run: EncoderFiles, source: Path) -> None:
    embedder = OnnxEmbedder.open(run, threads=1)
    segmenter = Segmenter.load(archive / "encoder")
    with Archive(archive) as opened:
        rows = {row["file"]: row["vector"] for row in opened.snapshot.catalogue.rows("SELECT * FROM films")}
        stored = {
            int(number): vector
            for ids, vectors in read_segments(archive, opened.snapshot.manifest)
            for number, vector in zip(ids, vectors, strict=True)
        }
    for name, vector in rows.items():
        asked = query_film(source / name, None, segmenter=segmenter, size=run.card.size)
        found = embedder.embed([embedder.prepare(asked.film, asked.region)])[0]
        assert np.array_equal(found, stored[vector]), name


def search(http: TestClient, data: bytes, **fields: Any) -> dict[str, Any]:
    answer = http.post("/v1/search", files=[("files", ("q.png", data))], data={"k": 2} | fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_search_tells_where_its_region_came_from(http: TestClient) -> None:
    box = (40, 60, 72, 92)
    found = search(http, png(box, 9))
    (facts,) = found["queries"]
    assert facts["region_origin"] == "segmented"
    assert near(tuple(facts["region"]), box)
    assert 0.5 <= facts["confidence"] <= 1
    assert any("proposed by the segmenter with confidence" in warning for warning in found["warnings"])
    (region,) = found["manifest"]["regions"]
    assert region == {"origin": "segmented", "box": facts["region"], "confidence": facts["confidence"]}
    assert found["manifest"]["segmenter"] == http.get("/v1/archive").json()["segmenter"]


def test_a_drawn_box_always_wins_and_whole_is_whole(http: TestClient) -> None:
    data = png((40, 60, 72, 92), 9)
    (drawn,) = search(http, data, roi="5,5,30,30")["queries"]
    assert (drawn["region"], drawn["region_origin"], drawn["confidence"]) == ([5, 5, 30, 30], "drawn", None)
    (whole,) = search(http, data, roi="whole")["queries"]
    assert (whole["region"], whole["region_origin"], whole["confidence"]) == ([0, 0, 120, 160], "whole", None)


def test_without_confidence_the_whole_film_is_used_and_the_answer_says_so(http: TestClient) -> None:
    found = search(http, png(None, 9))
    (facts,) = found["queries"]
    assert (facts["region"], facts["region_origin"]) == ([0, 0, 120, 160], "whole")
    assert facts["confidence"] < 0.5
    said = "whole film used: no region found with confidence >= 0.50"
    assert any(said in warning for warning in found["warnings"])


def test_a_region_can_be_had_before_a_search(http: TestClient) -> None:
    box = (40, 60, 72, 92)
    found = http.post("/v1/region", files={"file": ("q.png", png(box, 9))}).json()
    assert found["region_origin"] == "segmented"
    assert near(tuple(found["region"]), box)
    assert (found["rows"], found["columns"], found["threshold"]) == (160, 120, 0.5)
    dim = http.post("/v1/region", files={"file": ("q.png", png(None, 9))}).json()
    assert (dim["region_origin"], dim["region"]) == ("whole", [0, 0, 120, 160])
    refused = http.post("/v1/region", files={"file": ("q.png", b"no film")})
    assert refused.status_code == 422


def test_the_command_line_proposes_too(archive: Path, tmp_path: Path) -> None:
    film = tmp_path / "q.png"
    film.write_bytes(png((40, 60, 72, 92), 9))
    told = CliRunner().invoke(app, ["query", str(film), "--archive", str(archive), "-k", "1", "--json"])
    assert told.exit_code == 0, told.output
    (region,) = json.loads(told.stdout)["manifest"]["regions"]
    assert region["origin"] == Origin.segmented
    whole = ["query", str(film), "--archive", str(archive), "-k", "1", "--json", "--roi", "whole"]
    (region,) = json.loads(CliRunner().invoke(app, whole).stdout)["manifest"]["regions"]
    assert region == {"origin": "whole", "box": [0, 0, 120, 160], "confidence": None}


def test_metrics_on_masks(run: EncoderFiles, tmp_path: Path) -> None:
    films = tmp_path / "images"
    films.mkdir()
    (tmp_path / "masks").mkdir()
    rows = []
    for seed, (name, (x0, y0, x1, y1)) in enumerate(SQUARES.items()):
        (films / name).write_bytes(png((x0, y0, x1, y1), seed))
        mask = np.zeros(SHAPE, np.uint8)
        mask[y0:y1, x0:x1] = 255
        cv2.imwrite(str(tmp_path / "masks" / name), mask)
        rows.append(f"{name},p{seed},g{seed},{1 + seed % 2},20,F,osteosarcoma,malignant,femur,frontal")
    (films / "dim.png").write_bytes(png(None, 9))
    rows.append("dim.png,p9,g9,,,,no tumour,none,femur,frontal")
    header = "image,patient_id,split_group,centre,age,sex,entity,malignancy,site,view"
    (tmp_path / "cases.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    told, left = segment_outcomes(open_source(tmp_path, "btxrd"), Segmenter.load(run.onnx.parent))
    found = scores(told)
    assert not left
    assert (found.films, found.empty) == (3, 1)
    assert found.hit_rate == found.used == 1
    assert found.empty_used == 0
    assert found.box_iou > 0.7
    assert 0.7 < found.iou <= found.dice <= 1
    shown = CliRunner().invoke(app, ["segment-metrics", str(tmp_path), "--encoder", str(run.onnx.parent), "--json"])
    assert shown.exit_code == 0, shown.output
    groups = json.loads(shown.stdout)["groups"]
    assert set(groups) == {"all", "centre 1", "centre 2"}
    assert groups["all"]["films"] == 3


def test_metrics_need_masks(run: EncoderFiles, source: Path) -> None:
    with pytest.raises(SourceError, match="no lesion masks"):
        segment_outcomes(open_source(source), Segmenter.load(run.onnx.parent))


@pytest.mark.parametrize(
    ("text", "wanted"), [("", None), ("  ", None), ("whole", WHOLE), ("Whole ", WHOLE), ("1,2,30,40", (1, 2, 30, 40))]
)
def test_a_region_as_text(text: str, wanted: object) -> None:
    found = parse_roi(text)
    assert found == wanted
    assert parse_roi(format_box(found)) == wanted


def test_a_word_that_is_no_region() -> None:
    with pytest.raises(RegionError, match="x0,y0,x1,y1"):
        parse_roi("knee")
