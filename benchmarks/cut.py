"""How fast and how exact is the cut for the encoder? `caselink bench cut [--json FILE]`.

Whole films of usual sizes shrink to the encoder's 224 pixels: `engine.encoders.patch.cut` against OpenCV's area mean
and Pillow's box filter, on the same float32 pixels, in turns, on one core. Error: the largest difference to a float64
mean over the same areas.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.console import Console
from rich.table import Table

from engine.encoders.patch import cut
from engine.radiograph import Pixels, Radiograph
from engine.region import Region

SIZE = 224
SHAPES = ((454, 454), (720, 720), (1024, 1024), (2048, 2048))
"""Squares, so that no peer has to pad."""
ROUNDS = 30
PRODUCT = "caselink"


@dataclass(frozen=True)
class Pace:
    """One way to shrink a film. core_s: processor seconds a film, of every round. error: in grey levels of 0..1."""

    way: str
    rows: int
    columns: int
    core_s: tuple[float, ...]
    error: float

    @property
    def typical_s(self) -> float:
        """The median round's."""
        return statistics.median(self.core_s)


def ways(pixels: Pixels) -> dict[str, Callable[[], npt.NDArray[np.float32]]]:
    """Each way to make (SIZE, SIZE) float32 of a film."""
    film, picture = Radiograph(pixels, "0" * 64, "generated"), Image.fromarray(pixels)
    region = Region.whole(film.shape)
    return {
        PRODUCT: lambda: cut(film, region, SIZE),
        "OpenCV, area": lambda: np.asarray(cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.float32),
        "Pillow, box": lambda: np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX)),
    }


def means(pixels: Pixels, size: int) -> npt.NDArray[np.float64]:
    """The slow plain truth: means over areas in float64, by running sums along each axis."""
    found = pixels.astype(np.float64)
    for _ in range(2):
        sums = np.vstack([np.zeros(found.shape[1]), np.cumsum(found, axis=0)])
        ends = np.linspace(0, len(found), size + 1)
        at = np.array([np.interp(ends, np.arange(len(sums)), column) for column in sums.T])
        found = np.diff(at, axis=1) * (size / len(found))  # columns first, which the next turn puts right
    return found


def measure(shape: tuple[int, int], rounds: int) -> list[Pace]:
    """Every way on one film of noise, in turns."""
    pixels = np.random.default_rng(0).random(shape, np.float32)
    truth, found = means(pixels, SIZE), ways(pixels)
    errors = {name: float(np.abs(way() - truth).max()) for name, way in found.items()}
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, way in found.items():
            began = time.process_time()
            way()
            times[name].append(time.process_time() - began)
    return [Pace(name, *shape, tuple(times[name]), errors[name]) for name in found]


def report(paces: Sequence[Pace]) -> dict[str, object]:
    """Raw figures, and of each the ratio to the product's time on the same film."""
    own = {pace.rows: pace.typical_s for pace in paces if pace.way == PRODUCT}
    rows = [asdict(pace) | {"ratio": pace.typical_s / own[pace.rows]} for pace in paces]
    return {"size": SIZE, "paces": rows}


def _table(paces: Sequence[Pace]) -> Table:
    own = {pace.rows: pace.typical_s for pace in paces if pace.way == PRODUCT}
    table = Table(title=f"cutting a whole film to {SIZE} pixels, one core")
    for head in ("film", "way", "core-ms", "times caselink's", "largest error"):
        table.add_column(head)
    for pace in paces:
        took = [f"{1e3 * pace.typical_s:.3f}", f"{pace.typical_s / own[pace.rows]:.1f}"]
        table.add_row(f"{pace.rows}x{pace.columns}", pace.way, *took, f"{pace.error:.1e}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench cut`."""
    parser = argparse.ArgumentParser(prog="caselink bench cut", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    paces = [pace for shape in SHAPES for pace in measure(shape, options.rounds)]
    Console(width=100).print(_table(paces))
    if options.json:
        options.json.write_text(json.dumps(report(paces), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
