"""From a trained network to a run folder that `caselink index --encoder RUN` takes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file, save_model

from engine.card import ModelCard
from engine.embeddings import as_queries
from engine.encoders.export import MIN_COSINE, onnx_bytes
from engine.encoders.files import CARD_FILE, ONNX_FILE
from engine.encoders.runtime import DEFAULT_RUNTIME, OnnxEmbedder
from engine.errors import EncoderError
from engine.facts import UNKNOWN
from engine.training.films import TrainingSet
from engine.training.fit import Fitted
from engine.training.known import facts_code
from engine.training.networks import GREY_MEAN, GREY_STD, WEIGHTS_FILE
from engine.training.recipe import Scale, to_toml
from engine.training.report import write_report
from engine.training.run import Trained
from engine.training.split import Role

CLASSIFIER_FILE, CLASSIFIER_FACTS = "classifier.safetensors", "classifier.json"
METRICS_FILE, SPLIT_FILE, DEVELOPMENT_SPLIT = "metrics.json", "split.json", "development_split.json"
RECIPE_FILE, METADATA_FILE = "recipe.toml", "metadata.json"
CHECKED = 4
NOTICE = "Research use only; not a diagnosis."
LICENCE = (
    "as the films' licence and the starting weights' (Apache-2.0 for the packaged ones) allow; weights made from "
    "patients' films are for the hospital that holds them"
)


def publish(trained: Trained, folder: Path, *, seed: int, scale: Scale | None) -> ModelCard:
    """Write all of a run but its checkpoints; the card comes last, so that a folder with one is whole.

    Raises:
        EncoderError: a network that computes something else once it is exported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fitted = trained.fitted
    (folder / CARD_FILE).unlink(missing_ok=True)
    card = _export(trained, folder)
    linear = fitted.network.linear()
    save_file({"weight": linear.weight.contiguous(), "bias": linear.bias.contiguous()}, folder / CLASSIFIER_FILE)
    _json(folder / CLASSIFIER_FACTS, {"entities": list(fitted.entities), "malignancy": malignancy(trained.films)})
    metrics = _metrics(trained, card, seed, scale)
    _json(folder / METRICS_FILE, metrics)
    _splits(trained, folder)
    (folder / RECIPE_FILE).write_text(to_toml(fitted.recipe), encoding="utf-8")
    if fitted.metadata is not None:
        (folder / METADATA_FILE).write_text(fitted.metadata.to_json(), encoding="utf-8")
    write_report(folder, metrics, card)
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
    return card


def malignancy(films: TrainingSet) -> dict[str, str]:
    """Entity to malignancy, as most of its films say; entities of which none says it are left out."""
    said: dict[str, list[str]] = {}
    for film in films.films:
        if film.entity and film.malignancy:
            said.setdefault(film.entity, []).append(film.malignancy)
    return {entity: max(sorted(set(words)), key=words.count) for entity, words in sorted(said.items())}


def _export(trained: Trained, folder: Path) -> ModelCard:
    """encoder.onnx and encoder.safetensors; the ONNX file is held against torch on films."""
    fitted, recipe = trained.fitted, trained.fitted.recipe
    shape = (len(recipe.views), recipe.size, recipe.size)
    save_model(fitted.network, str(folder / WEIGHTS_FILE))
    data = onnx_bytes(fitted.network, shape)
    (folder / ONNX_FILE).write_bytes(data)
    start, code = recipe.backbone.start, facts_code(trained.films, recipe)
    card = ModelCard(
        name=f"{recipe.name} trained on {trained.films.title}",
        weights=f"{WEIGHTS_FILE}; backbone {recipe.backbone.name}, started from "
        f"{Path(start).name if '/' in start else start}",
        sha256=hashlib.sha256(data).hexdigest(),
        dimension=recipe.dimension,
        size=recipe.size,
        mean=(GREY_MEAN,),
        std=(GREY_STD,),
        runtime=DEFAULT_RUNTIME,
        trained_on=_trained_on(trained),
        licence=LICENCE,
        paper=recipe.paper,
        views=recipe.views,
        facts=code,
    )
    _check(fitted, OnnxEmbedder(folder / ONNX_FILE, card, threads=1), shape, trained.films)
    return card


def _check(fitted: Fitted, embedder: OnnxEmbedder, shape: tuple[int, int, int], films: TrainingSet) -> None:
    side = films.films[0].cuts.shape[1]
    edge = (side - shape[1]) // 2
    middle = slice(edge, edge + shape[1])
    patches = [
        np.ascontiguousarray((film.cuts[:, middle, middle] / 255 - GREY_MEAN) / GREY_STD, np.float32)
        for film in films.films[:CHECKED]
    ]
    with torch.inference_mode():
        expected = fitted.network(torch.from_numpy(np.stack(patches)))[0].numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    code = embedder.card.facts
    expected = expected if code is None else code.join(expected, [UNKNOWN] * len(expected))
    cosine = (embedder.embed(patches) * as_queries(expected)).sum(axis=1)
    if not cosine.min() >= MIN_COSINE:
        raise EncoderError(
            f"the exported network agrees with torch to cosine {cosine.min():.4f} only, under {MIN_COSINE}; "
            "train with another backbone"
        )


def _trained_on(trained: Trained) -> str:
    """What a card says: the films, and how well unseen patients were found by the development fit."""
    used = trained.metrics["final" if trained.final else "development"]
    seen = used["films"] if trained.final else used["train"]
    recipe = trained.fitted.recipe.name
    text = f"{trained.films.title}: {seen['films']} films of {seen['patients']} patients, recipe {recipe}"
    if trained.held is None:
        return f"{text}; not measured on unseen patients"
    scores = trained.metrics["development"]["retrieval"]
    shown = ", ".join(
        f"{name} {scores[key]['value']:.2f}"
        for name, key in (("P@1", "precision_at_1"), ("vote@5", "vote_at_5"), ("macro recall@5", "macro_recall_at_5"))
    )
    kind = "a development fit without them" if trained.final else "not used for it"
    return f"{text}; on {scores['films']} films of {scores['patients']} patients held back ({kind}): {shown}"


def _metrics(trained: Trained, card: ModelCard, seed: int, scale: Scale | None) -> dict[str, Any]:
    recipe = trained.fitted.recipe
    return {
        "notice": NOTICE,
        "recipe": recipe.name,
        "title": recipe.title,
        "method": recipe.method,
        "scale": None if scale is None else scale.value,
        "seed": seed,
        "source": trained.films.title,
        "model": card.fingerprint,
        **trained.metrics,
    }


def _splits(trained: Trained, folder: Path) -> None:
    """split.json: what each film was to the encoder in this folder. development_split.json: to the measured fit."""
    roles = {film.sha256: str(role) for film, role in zip(trained.films.films, trained.split.role, strict=True)}
    final = dict.fromkeys(roles, str(Role.train))
    _json(folder / SPLIT_FILE, final if trained.final else roles)
    if trained.held is not None:
        _json(folder / DEVELOPMENT_SPLIT, roles)


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
