"""What is burnt into films besides the patient: side letters and lines of words, which give a centre away."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

HEIGHT = 32
"""Pixels of a prepared glyph's height: what is drawn on a film of 224 pixels is smaller."""
WIDEST = 10
"""Width of a prepared picture over its height; a letter stands in its middle third at most."""

LETTERS = ("L", "R", "l", "r", "L1", "R2", "LI", "RE")
WORDS = (
    "PORTABLE",
    "Upright AP",
    "RADIOLOGY",
    "Case 1024",
    "CR 12:45",
    "Dept. 7",
    "NOT FOR PRINT",
    "SUPINE 60 kV",
    "www.example",
    "No. 2871 F",
    "Lat. 100 cm",
    "X-RAY ROOM 3",
)


@lru_cache(1)
def side_letters() -> Tensor:
    """Opacity of letters alone, in a ring, and dark on a bright disc: float32 (g, 32, 320)."""
    return torch.cat([_prepared(LETTERS, "alone"), _prepared(LETTERS[:4], "ring"), _prepared(LETTERS[:4], "disc")])


@lru_cache(1)
def words() -> Tensor:
    """Opacity of lines of words, float32 (g, 32, 320)."""
    return _prepared(WORDS, "alone")


def burn(
    pictures: Tensor,
    glyphs: Tensor,
    height: tuple[float, float],
    level: tuple[float, float],
    opacity: tuple[float, float],
    stream: torch.Generator,
) -> Tensor:
    """Draw one of the glyphs at a random place of each view, a little turned, sometimes mirrored or standing.

    pictures: (n, views, size, size). height: range of the glyph's height as a share of the side. level: of its grey.
    opacity: of how much it hides. Returns a new tensor of the same shape.
    """
    n, views, size = pictures.shape[:3]
    count = n * views
    draw = torch.rand(7, count, generator=stream)
    tall, grey, dense = (low + (high - low) * draw[i] for i, (low, high) in enumerate((height, level, opacity)))
    which = torch.randint(len(glyphs), (count,), generator=stream)
    angle = (draw[3] - 0.5) * 0.5 + (draw[4] < 0.15) * torch.pi / 2
    mirror = torch.where(draw[4] > 0.8, -1.0, 1.0)
    centre = (2 * draw[5:7] - 1) * 0.92
    cosine, sine = angle.cos() / tall, angle.sin() / tall
    across, down = torch.stack([cosine, sine]) * mirror / WIDEST, torch.stack([-sine, cosine])
    turned = torch.stack([across.T, down.T], dim=1)
    shift = -(turned @ centre.T[..., None])
    theta = torch.cat([turned, shift], dim=-1).to(pictures.device)
    grid = functional.affine_grid(theta, [count, 1, size, size], align_corners=False)
    chosen = glyphs[which].to(pictures.device)[:, None]
    cover = functional.grid_sample(chosen, grid, align_corners=False).reshape(n, views, size, size)
    cover = cover * dense.to(pictures.device).reshape(n, views, 1, 1)
    return torch.lerp(pictures, grey.to(pictures.device).reshape(n, views, 1, 1).expand_as(pictures), cover)


def _prepared(texts: tuple[str, ...], frame: str) -> Tensor:
    fonts = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX)
    drawn = [_glyph(text, fonts[i % 2], frame) for i, text in enumerate(texts)]
    return torch.from_numpy(np.stack(drawn)).float() / 255


def _glyph(text: str, font: int, frame: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """uint8 (32, 320): the text in the middle, as wide as it comes."""
    canvas = np.zeros((HEIGHT, HEIGHT * WIDEST), np.uint8)
    middle = (canvas.shape[1] // 2, HEIGHT // 2)
    if frame != "alone":
        cv2.circle(canvas, middle, HEIGHT // 2 - 2, 255, -1 if frame == "disc" else 2, cv2.LINE_AA)
    scale = 0.85 if frame == "alone" else 0.6
    (width, high), _ = cv2.getTextSize(text, font, scale, 2)
    place = (middle[0] - width // 2, middle[1] + high // 2)
    return np.asarray(cv2.putText(canvas, text, place, font, scale, 0 if frame == "disc" else 255, 2, cv2.LINE_AA))
