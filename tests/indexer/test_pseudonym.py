"""Keyed pseudonyms."""

from pathlib import Path

import pytest

from engine.errors import ArchiveError
from indexer.pseudonym import Pseudonymiser, load_key

ONE, OTHER = Pseudonymiser(bytes(32)), Pseudonymiser(b"1" * 32)


def test_one_person_one_pseudonym_per_key_and_issuer() -> None:
    assert ONE.patient("12") == ONE.patient(" 12 ")
    names = {ONE.patient("12"), OTHER.patient("12"), ONE.patient("12", "other hospital"), ONE.patient("13")}
    assert len(names) == 4


def test_kinds_do_not_meet() -> None:
    assert len({ONE.patient("1")[1:], ONE.study("1")[1:], ONE.group("1")[1:]}) == 3


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "private" / "key"
    made = load_key(path, create=True)
    assert load_key(path, create=True) == made == load_key(path, create=False)
    assert path.stat().st_mode & 0o077 == 0


def test_a_missing_or_damaged_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="missing"):
        load_key(tmp_path / "key", create=False)
    (tmp_path / "key").write_text("zz")
    with pytest.raises(ArchiveError, match="backup"):
        load_key(tmp_path / "key", create=False)
    with pytest.raises(ArchiveError, match="3 bytes"):
        Pseudonymiser(b"abc")
