"""A journal in a folder of its own."""

from pathlib import Path

import pytest

from indexer.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "private" / "journal.sqlite")


@pytest.fixture
def patient() -> str:
    return "P0123456789abcdef"


@pytest.fixture
def other() -> str:
    return "Pfedcba9876543210"
