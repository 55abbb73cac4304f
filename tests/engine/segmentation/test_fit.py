"""A fit learns discs, says how sure it is, goes on after a kill, and runs without torch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import EncoderError, TrainingError
from engine.radiograph import Radiograph
from engine.region import Origin
from engine.segmentation import Segmenter, SegmenterFiles
from engine.segmentation.fit import LAST, SegmentEpoch, fit_network, fit_segmenter, held_out, limited
from engine.segmentation.measure import Seen, calibrate, pixel_scores
from engine.segmentation.networks import Probability, SegmentationNetwork
from engine.segmentation.proposal import confident
from engine.segmentation.recipe import Architecture, Net, SegmentRecipe
from engine.segmentation.reproduce import r3_table, reproduce_r3
from engine.training.films import TrainingSet
from engine.training.recipe import Scale

Discs = Callable[[int, int], TrainingSet]


@pytest.fixture(scope="module")
def trained(discs: Discs, recipe: SegmentRecipe, tmp_path_factory: pytest.TempPathFactory) -> SegmenterFiles:
    """A segmenter of discs."""
    longer = recipe.model_copy(update={"epochs": 6, "rate": 6e-3})
    return fit_segmenter(discs(48, 8), longer, tmp_path_factory.mktemp("run"), 0)


def film(seed: int, *, disc: bool = True) -> tuple[Radiograph, tuple[int, int]]:
    """An upright film of 128 x 80 pixels with a bright disc, and its middle (x, y)."""
    rng = np.random.default_rng(1000 + seed)
    grey = rng.random((128, 80)).astype(np.float32) * 0.15
    grey[:, 26:54] += 0.25
    x, y = int(rng.integers(34, 46)), int(rng.integers(40, 88))
    rows, columns = np.mgrid[:128, :80]
    if disc:
        grey[(rows - y) ** 2 + (columns - x) ** 2 < 144] = 0.95
    return Radiograph(grey, "0" * 64, "film.png"), (x, y)


def test_discs_are_found_and_boxes_fit(trained: SegmenterFiles) -> None:
    metrics = trained.card.metrics
    assert metrics["hit_rate"] >= 0.8
    assert metrics["box_iou_median"] >= 0.5
    assert 0 < metrics["iou"] <= metrics["dice"] <= 1
    assert metrics["training_films"] + metrics["films"] + metrics["empty"] == 56
    assert metrics["films, centre 1"] + metrics["films, centre 2"] == metrics["films"]


def test_a_fitted_network_is_sure_of_clear_lesions(trained: SegmenterFiles) -> None:
    segmenter = Segmenter.open(trained)
    for seed in range(4):
        found = segmenter.probability(film(seed)[0])
        assert found.max() > 0.9 and found.min() < 0.1


def test_a_new_film_gets_its_region(trained: SegmenterFiles) -> None:
    segmenter = Segmenter.open(trained)
    hits = 0
    for seed in range(6):
        shown, (x, y) = film(seed)
        region = segmenter.propose(shown)
        assert region.confidence is not None
        hits += region.origin is Origin.segmented and region.x0 <= x < region.x1 and region.y0 <= y < region.y1
        assert segmenter.propose(shown) == region
    assert hits >= 5


def test_under_the_threshold_the_whole_film_is_used(trained: SegmenterFiles) -> None:
    shown, _ = film(0)
    sure = Segmenter.open(trained)
    card = type(trained.card)(**vars(trained.card) | {"threshold": 1.0})
    region = Segmenter(trained.onnx, card).propose(shown)
    assert region.origin is Origin.whole
    assert region.box == (0, 0, 80, 128)
    found = sure.seek(shown)
    assert found is not None
    assert region.confidence == found.confidence
    assert card.fingerprint != trained.card.fingerprint


def test_an_exchanged_file_is_refused(trained: SegmenterFiles, tmp_path: Path) -> None:
    for name in ("segmenter.onnx", "segmenter.json"):
        (tmp_path / name).write_bytes((trained.onnx.parent / name).read_bytes())
    assert SegmenterFiles.read(tmp_path).card == trained.card
    with (tmp_path / "segmenter.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(EncoderError, match="damaged or exchanged"):
        Segmenter.load(tmp_path)
    (tmp_path / "segmenter.json").write_text("[]")
    with pytest.raises(EncoderError, match="not a segmenter's card"):
        SegmenterFiles.read(tmp_path)
    (tmp_path / "segmenter.onnx").unlink()
    with pytest.raises(EncoderError, match="holds no segmenter.onnx"):
        SegmenterFiles.read(tmp_path)


def test_proposing_imports_no_torch(trained: SegmenterFiles) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from engine.segmentation import Segmenter;"
        "from engine.radiograph import Radiograph;"
        "Segmenter.load(Path(sys.argv[1])).propose(Radiograph(np.ones((40, 30), np.float32), '0', 'f'));"
        "print([m for m in ('torch', 'timm', 'lightning', 'segmentation_models_pytorch') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", code, str(trained.onnx.parent)]
    assert subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout.strip() == "[]"


def test_one_seed_gives_one_network_and_a_kill_loses_nothing(
    discs: Discs, recipe: SegmentRecipe, tmp_path: Path
) -> None:
    films = discs(16, 4)
    told: list[SegmentEpoch] = []
    whole = fit_network(films, recipe, 5, progress=told.append)
    assert [epoch.number for epoch in told] == [1, 2]

    class Killed(Exception):
        pass

    def kill(epoch: SegmentEpoch) -> None:
        raise Killed

    with pytest.raises(Killed):  # after the first epoch was written down
        fit_network(films, recipe, 5, checkpoints=tmp_path, progress=lambda e: kill(e) if e.number == 2 else None)
    assert (tmp_path / LAST).is_file()
    resumed = fit_network(films, recipe, 5, checkpoints=tmp_path, resume=True)
    assert len(resumed.history) == 2
    for one, other in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_no_group_both_teaches_and_is_asked(discs: Discs) -> None:
    taught, asked = held_out(discs(30, 6), 0.2, 0)
    assert len(taught) + len(asked) == 36
    assert not set(taught.column("group")) & set(asked.column("group"))
    with pytest.raises(TrainingError, match="4 split groups"):
        held_out(discs(8, 0), 0.1, 0)


def test_a_limit_keeps_whole_groups(discs: Discs) -> None:
    films = discs(60, 0)
    some = limited(films, 21, 0)
    assert 16 <= len(some) <= 21
    kept = set(some.column("group"))
    assert sum(film.group in kept for film in films.films) == len(some)
    assert limited(films, None, 0) is films


def test_calibration_tells_hits_from_misses() -> None:
    rng = np.random.default_rng(0)
    maps, masks = [], []
    for _ in range(120):
        sure = float(rng.uniform(0.55, 0.99))
        seen, mask = np.zeros((16, 16), np.float32), np.zeros((16, 16), bool)
        seen[4:8, 4:8] = sure
        place = slice(4, 8) if rng.random() < (sure - 0.5) * 2 else slice(11, 14)
        mask[place, place] = True
        maps.append(seen)
        masks.append(mask)
    found = calibrate(Seen(np.stack(maps), np.stack(masks)), 0.5)
    assert found.films == 120
    for sure in (0.6, 0.75, 0.95):
        assert confident(sure**2, found) == pytest.approx((sure - 0.5) * 2, abs=0.15)
    assert calibrate(Seen(np.zeros((2, 8, 8), np.float32), np.zeros((2, 8, 8), bool)), 0.5).films == 0


def test_pixel_scores_against_plain_counts() -> None:
    rng = np.random.default_rng(1)
    seen = Seen(rng.random((5, 9, 9)).astype(np.float32), rng.random((5, 9, 9)) > 0.6)
    iou, dice, accuracy = pixel_scores(seen, 0.5)
    for row in range(5):
        said, true = seen.maps[row] > 0.5, seen.masks[row]
        both, either = (said & true).sum(), (said | true).sum()
        assert iou[row] == pytest.approx(both / either)
        assert dice[row] == pytest.approx(2 * both / (said.sum() + true.sum()))
        assert accuracy[row] == pytest.approx((said == true).mean())


@pytest.mark.parametrize("architecture", list(Architecture))
@pytest.mark.parametrize("encoder", ["lite0", "resnet34"])
def test_every_network_maps_a_film_to_its_pixels(architecture: Architecture, encoder: str) -> None:
    start = "packaged" if encoder == "lite0" else "random"
    net = Net.model_validate({"architecture": architecture, "encoder": encoder, "start": start, "decoder": (16,) * 5})
    network = SegmentationNetwork(net)
    network.train()
    begun = network(torch.randn(2, 1, 64, 64))
    assert begun.shape == (2, 64, 64)
    assert torch.sigmoid(begun).median() < 0.15  # few pixels are lesion; from even odds, sure answers are never learnt
    held = [p for p in network.model.encoder.parameters() if not p.requires_grad]
    assert held
    assert network.eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 64, 64)


def test_a_mirrored_film_gets_the_mirrored_map() -> None:
    torch.manual_seed(0)
    network = SegmentationNetwork(Net(start="random", freeze_blocks=0)).eval()
    patch = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        plain, both = Probability(network), Probability(network, mirror=True)
        torch.testing.assert_close(both(patch.flip(-1)).flip(-1), both(patch))
        torch.testing.assert_close(both(patch), (plain(patch) + plain(patch.flip(-1)).flip(-1)) / 2)
        assert not torch.allclose(plain(patch.flip(-1)).flip(-1), plain(patch))


def test_weights_of_another_encoder_are_refused(tmp_path: Path) -> None:
    net = Net.model_validate({"encoder": "resnet34", "start": str(tmp_path / "none.safetensors")})
    with pytest.raises(EncoderError):
        SegmentationNetwork(net)


@pytest.mark.slow
def test_r3_as_one_table(discs: Discs) -> None:
    result = reproduce_r3(discs(40, 0), Scale.small, folds=2, architectures=[Architecture.unet, Architecture.unetpp])
    assert [row["network"] for row in result["rows"]] == ["U-Net", "U-Net++"]
    assert all(len(row["folds"]) == 2 and 0 <= row["iou"]["mean"] <= 1 for row in result["rows"])
    assert sum(fold["films"] for fold in result["rows"][0]["folds"]) == 40
    table = r3_table(json.loads(json.dumps(result)))
    assert table.count("±") == 10
    assert "U-Net++" in table
