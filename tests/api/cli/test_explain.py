"""`caselink explain`."""

from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from api.cli import app


def run(archive: Path, film: bytes, folder: Path, *options: str) -> tuple[int, str, Path]:
    (folder / "film.png").write_bytes(film)
    png = folder / "out.png"
    done = CliRunner().invoke(
        app, ["explain", str(folder / "film.png"), "--archive", str(archive), "--png", str(png), *options]
    )
    return done.exit_code, done.stdout + str(done.exception or ""), png


def test_three_pictures_and_what_they_show(archive: Path, film: bytes, tmp_path: Path) -> None:
    code, said, png = run(archive, film, tmp_path, "--roi", "20,30,70,90")
    assert code == 0, said
    assert "Not a diagnosis" in said and "similarity 0." in said and "has no classifier" in " ".join(said.split())
    picture = np.asarray(Image.open(png))
    assert picture.shape[1] > 3 * 640
    for number in range(3):  # each panel is tinted
        panel = picture[16:656, 16 + number * 656 : 656 + number * 656].astype(int)
        assert np.ptp(panel, axis=2).max() > 40


def test_a_rank_beyond_the_patients(archive: Path, film: bytes, tmp_path: Path) -> None:
    code, said, png = run(archive, film, tmp_path, "--rank", "15", "--where", "sex = 'F'")
    assert code == 1
    assert "--rank 15 is beyond the 8 patients who may answer" in said
    assert not png.exists()
