"""Fixtures and settings shared by every room's tests."""

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

REPOSITORY = Path(__file__).parents[1]
REAL_DATA = Path(os.environ.get("CASELINK_TEST_DATA", REPOSITORY.parent / "shared" / "data"))

hypothesis.settings.register_profile("default", max_examples=60, deadline=None)
hypothesis.settings.register_profile("fuzz", max_examples=3000, deadline=None)
hypothesis.settings.load_profile("default")


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Gives the folder of a real data set by name (btxrd, fracatlas, dicom); skips where it is not there."""

    def folder(name: str) -> Path:
        path = REAL_DATA / name
        if not path.is_dir():
            pytest.skip(f"no real films in {name}; lay them beside the checkout or set CASELINK_TEST_DATA")
        return path

    return folder


@pytest.fixture(scope="session")
def encoder_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where exported encoders are kept: one place a machine, so that tests export the default but once."""
    given = os.environ.get("CASELINK_TEST_CACHE")
    return Path(given) if given else Path(REPOSITORY / "var" / "test-encoders")
