"""What may be written after --encoder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.encoders.spec import DEFAULT, parse, sha256_of
from engine.errors import EncoderError


def test_names_and_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "trained.safetensors"
    file.write_bytes(b"x")
    assert parse("default").name == DEFAULT
    assert parse(" resnet18.a1_in1k ").name == "resnet18.a1_in1k"
    assert parse(f"resnet18@{file}").checkpoint == file
    assert parse(f"resnet18@{file}").label == "resnet18@trained.safetensors"


@pytest.mark.parametrize("text", ["", "@", "resnet18@", "default@x.pth", "a/b", "hf-hub:timm/x", "a b", "..\\x"])
def test_malformed_specs_name_the_choices(text: str) -> None:
    with pytest.raises(EncoderError, match="is not an encoder"):
        parse(text)


def test_missing_and_executable_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"absent\.pth does not exist"):
        parse(f"resnet18@{tmp_path}/absent.pth")
    with pytest.raises(EncoderError, match="must end in one of"):
        parse(f"resnet18@{tmp_path}/model.pkl")


@given(st.text())
def test_any_text_is_a_spec_or_a_named_error(text: str) -> None:
    try:
        spec = parse(text)
    except EncoderError:
        return
    assert spec.name in text


def test_key_follows_the_bytes_not_the_folder(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w.pth").write_bytes(content)
    keys = [parse(f"resnet18@{tmp_path}/{name}/w.pth").key for name in "abc"]
    assert keys[0] == keys[1] != keys[2]
    assert len({*keys, parse("resnet18").key, parse("resnet34").key, parse("default").key}) == 5


def test_packaged_weights_are_the_published_ones() -> None:
    weights = parse("default").weights
    assert weights is not None
    assert sha256_of(weights).startswith("57934424")  # the package's file name promises this
