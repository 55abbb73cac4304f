"""The Lightning module of a fit. All chance comes from (seed, epoch, batch): a resumed fit goes on as it would have."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader

from engine.region import View
from engine.training.augment import augment
from engine.training.inference import glance, normalised
from engine.training.losses import CombinedLoss
from engine.training.metadata import Metadata
from engine.training.metrics import Films, precision_at_1
from engine.training.networks import Network
from engine.training.recipe import Recipe
from engine.training.sampling import Batches, PKBatches, WeightedBatches, film_weights
from engine.training.tensors import Tensors
from engine.training.withhold import withhold

ADAPTER_COPIES = 3
"""Augmented copies of each film that an adapter on a frozen backbone learns from; they are computed but once."""
CHUNK = 32
GALLERY = 250
"""Most training films among which the validation films look for their like between epochs."""


@dataclass(frozen=True)
class Watched:
    """What the validation films are looked for among, and how often."""

    films: Tensors
    every: int


class FilmModule(lightning.LightningModule):
    """Fits a `Network` to films; `history` gets a row per epoch: mean loss, and precision-at-1 where looked at."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        films: Tensors,
        entities: int,
        seed: int,
        watched: Watched | None,
        metadata: Metadata | None = None,
    ) -> None:
        super().__init__()
        self.kinds = None if metadata is None else torch.tensor(metadata.kinds)
        self.network, self.recipe, self.films, self.seed, self.watched = network, recipe, films, seed, watched
        counts = np.bincount(films.labels.numpy(), minlength=entities).astype(np.int64)
        self.loss = CombinedLoss(recipe.loss, counts, recipe.features)
        self.adapter = not any(p.requires_grad for p in network.body.parameters())
        self.pooled: Tensor | None = None
        self.history: list[dict[str, float]] = []
        self.tell: Callable[[Sequence[dict[str, float]]], None] | None = None
        self._losses: list[Tensor] = []

    def train_dataloader(self) -> DataLoader[Any]:
        """Rows of films, batch after batch; the films themselves stay where they are."""
        batches = self._batches()
        rows: Any = _Rows()
        return DataLoader(rows, sampler=batches, batch_size=None)

    def configure_optimizers(self) -> Any:
        """Two groups: the backbone, and all that stands on it."""
        how = self.recipe.optimiser
        body = [p for p in self.network.body.parameters() if p.requires_grad]
        known = {id(p) for p in self.network.body.parameters()}
        rest = [p for p in self.parameters() if id(p) not in known]
        groups = [{"params": body, "lr": how.backbone}] * bool(body) + [{"params": rest, "lr": how.head}]
        optimiser = self._optimiser(groups)
        if how.schedule == "constant":
            return optimiser
        peaks = [how.backbone, how.head][-len(groups) :]
        steps = max(2, self.recipe.epochs * len(self._batches()))
        schedule = OneCycleLR(optimiser, peaks, total_steps=steps, pct_start=how.warm_up, cycle_momentum=False)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_fit_start(self) -> None:
        """Films go where the network is; an adapter's pooled features are computed."""
        self.films = self.films.to(self.device)
        if self.adapter:
            self.network.eval()
            self.pooled = torch.stack([self._copy(number) for number in range(ADAPTER_COPIES)])

    def on_train_epoch_start(self) -> None:
        """Lightning leaves the mode as it finds it."""
        self.network.train()

    def training_step(self, rows: list[int], index: int) -> Tensor:
        """One batch."""
        seed = self._draw(1 + index)[0]
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # for dropout; others draw from torch's own generator between batches
        chosen = torch.tensor(rows, device=self.device)
        embedding, base = self.network.embed(self._pooled(chosen, generator))
        if self.recipe.classifier == "apart":
            base = base.detach()
        logits = self.network.logits(base, self._facts(chosen, generator))
        parts = self.loss(embedding.float(), logits.float(), self.films.labels[chosen])
        self._losses.append(parts["loss"].detach())
        return torch.as_tensor(parts["loss"])

    def on_train_epoch_end(self) -> None:
        """The epoch's figures, before checkpoints and early stopping look at them."""
        row = {"epoch": float(self.current_epoch + 1), "loss": float(torch.stack(self._losses).mean())}
        self._losses.clear()
        watched = self.watched
        if watched is not None and (int(row["epoch"]) % watched.every == 0 or row["epoch"] == self.recipe.epochs):
            row["precision"] = self._precision(watched.films)
            self.log("precision", row["precision"], sync_dist=True)
        self.history.append(row)
        if self.tell is not None and self.trainer.is_global_zero:
            self.tell(self.history)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The curves go with the weights."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """See `on_save_checkpoint`."""
        self.history = list(checkpoint["history"])

    def _batches(self) -> Batches:
        labels, patients, batch = self.films.labels.cpu().numpy(), self.films.patients, self.recipe.batch
        weights = film_weights(labels, patients, batch.balance, batch.damping)
        rank, world = self.global_rank, self.trainer.world_size
        if batch.entities is None or batch.films is None:
            return WeightedBatches(weights, min(batch.size, len(labels)), self.seed, rank, world)
        return PKBatches(labels, patients, weights, batch.entities, batch.films, self.seed, rank, world)

    def _optimiser(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        how = self.recipe.optimiser
        if how.name == "sgd":
            return torch.optim.SGD(groups, momentum=how.momentum, weight_decay=how.weight_decay)
        kind = torch.optim.AdamW if how.name == "adamw" else torch.optim.Adam
        return kind(groups, weight_decay=how.weight_decay)

    def _draw(self, *what: int) -> list[int]:
        """A seed for what happens in this epoch."""
        entropy = np.random.SeedSequence([self.seed, self.current_epoch, self.global_rank, *what])
        return [int(word) for word in entropy.generate_state(1, np.uint64) >> np.uint64(1)]

    def _pooled(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        if self.pooled is not None:
            copy = torch.randint(len(self.pooled), (len(rows),), generator=generator).to(rows.device)
            return self.pooled[copy, rows]
        return self.network.pooled(self._seen(rows, generator))

    def _seen(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        with torch.no_grad():
            cuts = self._regions(rows, generator)
            return normalised(augment(cuts, self.recipe.augment, self.recipe.size, generator))

    def _regions(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """The films' cuts; some whole in every view, and some with a loosened box, as models will propose them."""
        cuts, how, loose = self.films.cuts[rows], self.recipe, self.films.loose
        if not (how.lost_region or how.loose_region):
            return cuts
        fate = torch.rand(len(cuts), generator=generator).to(cuts.device)[:, None, None, None]
        if how.loose_region and loose is not None:
            box = torch.randint(loose.shape[1], (len(cuts),), generator=generator).to(cuts.device)
            missed = cuts.clone()
            missed[:, how.views.index(View.region)] = loose[rows, box]
            cuts = torch.where((fate >= how.lost_region) & (fate < how.lost_region + how.loose_region), missed, cuts)
        if how.lost_region:
            whole = cuts[:, how.views.index(View.film)][:, None].expand_as(cuts)
            cuts = torch.where(fate < how.lost_region, whole, cuts)
        return cuts

    def _facts(self, rows: Tensor, generator: torch.Generator) -> Tensor | None:
        if self.films.facts is None or self.kinds is None:
            return None
        return withhold(self.films.facts[rows], self.kinds, generator)

    @torch.no_grad()
    def _copy(self, number: int) -> Tensor:
        """Pooled features of all films, augmented once."""
        generator = torch.Generator().manual_seed(self._draw(0, number)[0])
        rows = torch.arange(len(self.films.labels), device=self.device)
        return torch.cat([self.network.pooled(self._seen(part, generator)) for part in torch.split(rows, CHUNK)])

    def _precision(self, asked: Tensors) -> float:
        """Precision-at-1 of the validation films among training patients."""
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(self.films.labels))[:GALLERY])
        some = self.films.take(rows)
        numbers = {patient: k for k, patient in enumerate(sorted({*asked.patients, *some.patients}))}
        gallery, queries = (
            Films(glance(self.network, films), films.labels.cpu(), torch.tensor([numbers[p] for p in films.patients]))
            for films in (some, asked)
        )
        self.network.train()
        return precision_at_1(queries, gallery)


class _Rows:
    """A data set whose items are the rows asked for."""

    def __getitem__(self, rows: list[int]) -> list[int]:
        return rows

    def __iter__(self) -> Iterator[list[int]]:
        return iter(())
