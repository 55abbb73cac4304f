"""A whole run: two fits, a folder that serving can use, honest figures."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from engine.card import ModelCard
from engine.encoders import encoder_files, load_exported
from engine.encoders.patch import normalise
from engine.errors import TrainingError
from engine.facts import Facts
from engine.region import View
from engine.training.films import TrainingSet
from engine.training.publish import publish
from engine.training.recipe import Recipe, load_recipe
from engine.training.run import Fits, Trained, train
from engine.training.split import Role

Films = Callable[..., TrainingSet]
MakeRecipe = Callable[..., Recipe]
FILES = {
    "card.json", "checkpoints", "classifier.json", "classifier.safetensors", "curves.png", "development_split.json",
    "encoder.onnx", "encoder.safetensors", "metrics.json", "recipe.toml", "report.html", "split.json",
}  # fmt: skip


def run(films: TrainingSet, recipe: Recipe, folder: Path, fits: Fits = Fits.both) -> tuple[Trained, ModelCard]:
    trained = train(films, recipe, 0, folder, fits=fits)
    return trained, publish(trained, folder, seed=0, scale=None)


def patches(films: TrainingSet, card: ModelCard) -> list[np.ndarray]:
    edge = (films.films[0].cuts.shape[1] - card.size) // 2
    inside = slice(edge, edge + card.size)
    return [
        np.concatenate(
            [normalise(view / np.float32(255), card.mean, card.std) for view in film.cuts[:, inside, inside]]
        )
        for film in films.films
    ]


def test_a_run_folder_is_whole_and_serves_what_torch_computes(
    drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    films = drawn_films(60)
    trained, card = run(films, tiny_recipe(mirror=True), tmp_path / "run")
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == FILES
    embedder = load_exported(folder, threads=1)
    assert embedder.card == card
    assert (card.views, card.size, card.dimension) == ((View.region, View.film), 32, 8)
    assert encoder_files(str(folder), tmp_path / "cache").card == card
    seen = patches(films, card)[:6]
    with torch.inference_mode():
        expected, maps = trained.fitted.network(torch.from_numpy(np.stack(seen)))
    expected = torch.nn.functional.normalize(expected).numpy()
    assert ((embedder.embed(seen) * expected).sum(axis=1) > 0.99999).all()
    vector, found = embedder.explain(seen[0])
    np.testing.assert_allclose(found, maps[0].numpy(), rtol=1e-3, atol=1e-4)
    linear = load_file(folder / "classifier.safetensors")
    logits = linear["weight"] @ found.mean(axis=(2, 3)).ravel() + linear["bias"]
    facts = json.loads((folder / "classifier.json").read_text())
    assert len(logits) == len(facts["entities"]) == 3
    assert facts["malignancy"] == {"bright": "benign", "dark": "malignant", "rings": "benign"}
    assert vector.shape == (8,)
    assert load_recipe(folder / "recipe.toml").epochs == 2


def test_figures_of_patients_that_were_not_seen(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    films = drawn_films(60)
    trained, card = run(films, tiny_recipe(epochs=4), tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    development = metrics["development"]
    assert (
        development["train"]["films"] + development["calibration"]["films"] == 60 == metrics["final"]["films"]["films"]
    )
    assert development["retrieval"]["films"] == development["calibration"]["films"]
    for part in ("retrieval", "untrained"):
        assert 0 <= development[part]["precision_at_1"]["value"] <= 1
    assert development["classifier"]["films"]["n"] == development["calibration"]["films"]
    assert metrics["model"] == card.fingerprint
    assert trained.held is not None
    assert not set(trained.held.seen.column("patient")) & set(trained.held.asked.column("patient"))
    assert "Research use only" in metrics["notice"]
    assert f"{development['calibration']['films']} films of" in card.trained_on and "held back" in card.trained_on
    roles = json.loads((tmp_path / "development_split.json").read_text())
    assert sorted(roles) == sorted(films.column("sha256"))
    asked = {digest for digest, role in roles.items() if role == "calibration"}
    assert asked == set(trained.held.asked.column("sha256"))
    final = json.loads((tmp_path / "split.json").read_text())
    assert set(final.values()) == {"train"}  # the encoder in this folder has seen them all, and says so


def test_the_page_stands_alone(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    run(drawn_films(40), tiny_recipe(title="Tiny <recipe>"), tmp_path)
    page = (tmp_path / "report.html").read_text()
    for said in (
        "Research use only",
        "Tiny &lt;recipe&gt;",
        "split groups",
        "Model card",
        "licence",
        "untrained",
        "n = ",
    ):
        assert said in page
    assert "data:image/png;base64," in page and "http" not in page.replace("http-equiv", "")
    assert not any(film.sha256 in page or f">{film.patient}<" in page for film in drawn_films(40).films)
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG" and picture.width > 500


def test_one_of_two_fits(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    films = drawn_films(40)
    measured, _ = run(films, tiny_recipe(), tmp_path / "development", Fits.development)
    assert not measured.final and "final" not in measured.metrics
    roles = json.loads((tmp_path / "development" / "split.json").read_text())
    assert set(roles.values()) == {"train", "calibration"}
    blind, card = run(films, tiny_recipe(), tmp_path / "final", Fits.final)
    assert blind.held is None and "not measured" in card.trained_on
    assert not (tmp_path / "final" / "development_split.json").exists()
    both, _ = run(films, tiny_recipe(), tmp_path / "both")
    for one, two in zip(blind.fitted.network.parameters(), both.fitted.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_final_fit_runs_as_long_as_was_best(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=9, early_stopping=1)
    trained, _ = run(drawn_films(60), recipe, tmp_path)
    assert len(trained.split.rows(Role.validation)) > 0
    assert trained.metrics["final"]["epochs"] == trained.metrics["development"]["epochs"] < 9
    with pytest.raises(TrainingError, match="--final-only"):
        train(drawn_films(60), recipe, 0, tmp_path / "other", fits=Fits.final)


def test_facts_join_the_embedding(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    films = drawn_films(40)
    trained, card = run(films, tiny_recipe(facts={"age": 0.3, "sex": 0.0, "site": 0.3}, dimension=48), tmp_path)
    assert card.facts is not None and card.facts.sites == ("femur", "hip bone", "tibia")
    assert card.dimension == 48 == card.features + card.facts.dimension
    embedder = load_exported(tmp_path, threads=1)
    seen = patches(films, card)[:1] * 3
    told = [Facts(sites=("femur",)), Facts(sites=("femur",)), Facts(sites=("tibia",))]
    vectors = embedder.embed(seen, told)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert "retrieval_by_pixels_alone" in trained.metrics["development"]
    assert "by pixels alone" in (tmp_path / "report.html").read_text()


def test_metadata_are_asked_of_nobody(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    trained, _ = run(drawn_films(40), tiny_recipe(metadata="fused"), tmp_path)
    assert set(trained.metrics["development"]["classifier"]) == {"films", "films and metadata"}
    assert json.loads((tmp_path / "metadata.json").read_text())["sites"] == ["femur", "hip bone", "tibia"]
    assert load_exported(tmp_path, threads=1).card.shape == (2, 32, 32)


def test_ensembles_are_exported_as_one(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    trained, card = run(drawn_films(60), tiny_recipe(folds=5, epochs=1), tmp_path, Fits.final)
    seen = patches(drawn_films(3), card)
    with torch.inference_mode():
        expected = trained.fitted.network(torch.from_numpy(np.stack(seen)))[0].numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert ((load_exported(tmp_path, threads=1).embed(seen) * expected).sum(axis=1) > 0.9999).all()


def test_another_run_is_not_overwritten(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    films, recipe = drawn_films(40), tiny_recipe(epochs=1)
    first = train(films, recipe, 0, tmp_path, fits=Fits.development)
    with pytest.raises(TrainingError, match="--resume"):
        train(films, recipe, 0, tmp_path, fits=Fits.development)
    with pytest.raises(TrainingError, match="other films, recipe or seed"):
        train(films, recipe, 1, tmp_path, fits=Fits.development, resume=True)
    with pytest.raises(TrainingError, match="other films, recipe or seed"):
        train(drawn_films(38), recipe, 0, tmp_path, fits=Fits.development, resume=True)
    again = train(films, recipe, 0, tmp_path, fits=Fits.development, resume=True)
    for one, two in zip(first.fitted.network.parameters(), again.fitted.network.parameters(), strict=True):
        assert torch.equal(one, two)
