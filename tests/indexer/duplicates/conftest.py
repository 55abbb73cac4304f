"""Generated films that differ, and what becomes of a film on its way into an archive for a second time."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

Grey = npt.NDArray[np.uint8]
Film = Callable[..., Grey]


def generated(seed: int, rows: int = 320, columns: int = 256) -> Grey:
    """A limb with its bones, trabeculae and a joint, another for every seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / max(rows, columns)
    limb = 0.25 * np.exp(-(((x - rng.uniform(0.3, 0.5)) / 0.22) ** 2))
    picture = 0.08 + limb + 0.1 * np.sin(2 * np.pi * (rng.uniform(0.5, 2) * y + rng.uniform(0, 1)))
    for _ in range(5):
        slope, at, wide = rng.uniform(-0.4, 0.4), rng.uniform(0.2, 0.6), rng.uniform(0.02, 0.06)
        shaft = np.abs(x - at - slope * (y - 0.5)) / wide
        picture += 0.2 * np.exp(-(shaft**4)) + 0.12 * np.exp(-((shaft - 1) ** 2) / 0.05)
    for scale, much in ((2.5, 0.5), (6.0, 0.6), (14.0, 0.7)):
        noise = cv2.GaussianBlur(rng.standard_normal((rows, columns), np.float32), (0, 0), scale)
        picture += much * limb * noise / noise.std() * 0.5
    return np.asarray(np.clip(picture * 255, 0, 255), dtype=np.uint8)


def _jpeg(film: Grey, quality: int) -> Grey:
    data = cv2.imencode(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def _marked(film: Grey) -> Grey:
    return np.asarray(cv2.putText(film.copy(), "R", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 255, 3), dtype=np.uint8)


def _cut_short(film: Grey) -> Grey:
    short = film.copy()
    short[int(len(film) * 0.95) :] = 128
    return short


def _cropped(film: Grey) -> Grey:
    rows, columns = film.shape
    return film[rows // 50 : -rows // 50, columns // 50 : -columns // 50]


ALTERED: dict[str, Callable[[Grey], Grey]] = {
    "the same": lambda film: film,
    "half as large": lambda film: np.asarray(cv2.resize(film, None, fx=0.5, fy=0.5), dtype=np.uint8),
    "twice as large": lambda film: np.asarray(cv2.resize(film, None, fx=2, fy=2), dtype=np.uint8),
    "poor JPEG": lambda film: _jpeg(film, 25),
    "darker": lambda film: np.asarray(255 * (film / 255) ** 1.5, dtype=np.uint8),
    "brighter": lambda film: np.asarray(255 * (film / 255) ** 0.7, dtype=np.uint8),
    "another window": lambda film: np.asarray(np.clip((film.astype(np.int64) - 20) * 1.3, 0, 255), dtype=np.uint8),
    "black border": lambda film: np.pad(film, 16),
    "white edge": lambda film: np.pad(film, ((24, 0), (0, 0)), constant_values=255),
    "cropped by 2 %": _cropped,
    "a marker": _marked,
    "cut short": _cut_short,
    "mirrored": lambda film: np.ascontiguousarray(film[:, ::-1]),
    "upside down": lambda film: np.ascontiguousarray(film[::-1]),
    "turned": lambda film: np.ascontiguousarray(np.rot90(film)),
    "turned back": lambda film: np.ascontiguousarray(np.rot90(film, 3)),
    "inverted": lambda film: np.asarray(255 - film, dtype=np.uint8),
    "mirrored, cropped, poor JPEG": lambda film: _jpeg(_cropped(np.ascontiguousarray(film[:, ::-1])), 50),
}


@pytest.fixture(scope="session")
def film() -> Film:
    """A generated film, uint8 (rows, columns), by its seed."""
    return generated


@pytest.fixture(params=ALTERED.values(), ids=ALTERED.keys())
def alter(request: pytest.FixtureRequest) -> Callable[[Grey], Grey]:
    """Each way in which a film is altered."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def picture_bytes() -> Callable[[Grey], bytes]:
    """The PNG bytes of a picture."""

    def make(picture: Grey) -> bytes:
        return bytes(cv2.imencode(".png", picture)[1])

    return make


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An empty folder for films."""
    (tmp_path / "films").mkdir()
    return tmp_path / "films"
