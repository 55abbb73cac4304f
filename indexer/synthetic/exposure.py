"""From attenuation to the picture a CR reader stores: contrast, noise, blur, collimation and what is burned in."""

from __future__ import annotations

import math

import cv2
import numpy as np

from indexer.synthetic.shading import Plane, noise

WHITE = 4095.0


def expose(attenuation: Plane, rng: np.random.Generator) -> Plane:
    """Tone-mapped picture in 0..1, bone bright, float32 (H, W), from optical depths."""
    soft = np.asarray(cv2.GaussianBlur(attenuation, (0, 0), float(rng.uniform(0.55, 1.0))), dtype=np.float32)
    wide = _wide_blur(soft, 36)
    # Multi-frequency processing of CR readers: less of the thick-to-thin sweep, more of the edges.
    flat = soft - rng.uniform(0.25, 0.5) * wide + rng.uniform(0.15, 0.5) * (soft - cv2.GaussianBlur(soft, (0, 0), 2.5))
    body = attenuation > 0.15
    low, high = (float(v) for v in np.percentile(flat[body][::37], (3, 99.4)))
    air = low - rng.uniform(0.35, 0.6) * (high - low)
    picture = np.clip((flat - air) / (high - air), 0, 1.15)
    picture = picture ** float(rng.uniform(0.9, 1.35)) * float(rng.uniform(0.86, 1.0))
    grain = noise(picture.shape, 0.5, 0.5, rng)
    # Fewer photons behind thick parts: the spread grows with the square root of the attenuation factor.
    spread = float(rng.uniform(0.006, 0.022)) * np.exp(0.22 * np.clip(attenuation - 1.5, -3, 4))
    return np.asarray(np.clip(picture + spread * grain, 0, 1), dtype=np.float32)


def _wide_blur(plane: Plane, sigma: float) -> Plane:
    h, w = plane.shape
    small = cv2.resize(plane, (w // 8, h // 8), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / 8), (w, h), interpolation=cv2.INTER_LINEAR).astype(
        np.float32
    )


def collimate(picture: Plane, rng: np.random.Generator, keep: tuple[float, float, float, float]) -> Plane:
    """Shutter outside a slightly turned box; `keep` is the pixel box (x0, y0, x1, y1) that must stay open."""
    h, w = picture.shape
    kind = rng.random()
    if kind < 0.35:
        return picture
    turn = float(np.deg2rad(rng.normal(0, 1.6)))
    cos, sin = math.cos(turn), math.sin(turn)
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    u = (x - w / 2) * cos + (y - h / 2) * sin + w / 2
    v = (y - h / 2) * cos - (x - w / 2) * sin + h / 2
    x0, x1 = min(rng.uniform(0, 0.09) * w, keep[0]), max(w - rng.uniform(0, 0.09) * w, keep[2])
    y0, y1 = min(rng.uniform(0, 0.06) * h, keep[1]), max(h - rng.uniform(0, 0.06) * h, keep[3])
    open_ = np.minimum(np.minimum(u - x0, x1 - u), np.minimum(v - y0, y1 - v))
    weight = np.clip(open_ / rng.uniform(1.0, 3.5), 0, 1)
    outside = float(rng.uniform(0.0, 0.05)) if kind < 0.9 else float(rng.uniform(0.85, 1.0))
    return np.asarray(picture * weight + outside * (1 - weight), dtype=np.float32)


def burn_in(picture: Plane, side: str, rng: np.random.Generator, keep: tuple[float, float, float, float]) -> None:
    """Write the side marker and the word SYNTHETIC into `picture`, away from the pixel box `keep`."""
    h, w = picture.shape
    size = 0.5 * max(w, 440) / 480
    (tw, th), _ = cv2.getTextSize("SYNTHETIC", cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    x = 8 if rng.random() < 0.5 else w - tw - 8
    y = th + 8 if rng.random() < 0.5 else h - 10
    picture[max(y - th - 4, 0) : y + 6, max(x - 5, 0) : x + tw + 5] *= 0.15
    _write(picture, "SYNTHETIC", (x, y), size, 1, 0.92)
    if not side or rng.random() < 0.1:
        return
    places = [(px, py) for px in (0.1, 0.88) for py in (0.16, 0.35, 0.62, 0.82)]
    free = [
        (px, py)
        for px, py in places
        if not (keep[0] - 30 < px * w < keep[2] + 30 and keep[1] - 30 < py * h < keep[3] + 30)
    ]
    px, py = (free or places)[int(rng.integers(0, len(free or places)))]
    _marker(picture, side, (int(px * w), int(py * h)), float(rng.uniform(0.7, 1.5)) * w / 480, rng)


def _marker(picture: Plane, letter: str, at: tuple[int, int], size: float, rng: np.random.Generator) -> None:
    """A lead letter; sometimes in a ring or as its own plate."""
    style = rng.random()
    weight = 3 if style < 0.5 else 2
    (tw, th), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, size, weight)
    if style > 0.75:
        cv2.circle(picture, at, int(0.9 * max(tw, th)), 0.9, 1)
    elif style > 0.6:
        cv2.rectangle(picture, (at[0] - tw, at[1] - th), (at[0] + tw, at[1] + th), 0.35, -1)
    _write(picture, letter, (at[0] - tw // 2, at[1] + th // 2), size, weight, 1.0)


def _write(picture: Plane, text: str, at: tuple[int, int], size: float, weight: int, level: float) -> None:
    """Letters of `level`; OpenCV writes on 8 bits only."""
    ink = np.zeros(picture.shape, dtype=np.uint8)
    cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, weight, cv2.LINE_AA)
    cover = ink.astype(np.float32) / 255
    picture *= 1 - cover
    picture += level * cover
