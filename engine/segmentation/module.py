"""The Lightning module of a segmenter's fit. All chance comes from (seed, epoch, batch), so a fit can be resumed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader

from engine.segmentation.data import SegmentTensors, bent
from engine.segmentation.losses import segmentation_loss
from engine.segmentation.networks import GREY, SegmentationNetwork
from engine.segmentation.recipe import SegmentRecipe

Row = dict[str, float]


class SegmentModule(lightning.LightningModule):
    """Fits a `SegmentationNetwork` with cross-entropy and Dice loss; `history` gets one row per epoch."""

    def __init__(self, network: SegmentationNetwork, recipe: SegmentRecipe, films: SegmentTensors, seed: int) -> None:
        super().__init__()
        self.network, self.recipe, self.films, self.seed = network, recipe, films, seed
        self.history: list[Row] = []
        self.tell: Callable[[Sequence[Row]], None] | None = None
        self._losses: list[Tensor] = []

    def train_dataloader(self) -> DataLoader[Any]:
        """Rows of films, batch after batch; the films themselves stay where they are."""
        rows: Any = _Rows()
        return DataLoader(rows, sampler=Batches(self), batch_size=None)

    def configure_optimizers(self) -> Any:
        """AdamW with one cycle (Smith 2018); the encoder, which knows pictures already, learns more slowly."""
        encoder = [p for p in self.network.model.encoder.parameters() if p.requires_grad]
        known = {id(p) for p in self.network.model.encoder.parameters()}
        rest = [p for p in self.network.parameters() if id(p) not in known]
        peaks = [self.recipe.rate * self.recipe.encoder_rate, self.recipe.rate]
        groups = [(part, peak) for part, peak in zip((encoder, rest), peaks, strict=True) if part]
        optimiser = torch.optim.AdamW(
            [{"params": part, "lr": peak} for part, peak in groups], weight_decay=self.recipe.weight_decay
        )
        steps = max(2, self.recipe.epochs * len(Batches(self)))
        schedule = OneCycleLR(
            optimiser, [peak for _, peak in groups], total_steps=steps, pct_start=self.recipe.warm_up,
            cycle_momentum=False,
        )  # fmt: skip
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_fit_start(self) -> None:
        """Films go where the network is."""
        self.films = self.films.to(self.device)

    def training_step(self, rows: Tensor, batch: int) -> Tensor:
        """The loss of one augmented batch."""
        mixed = np.random.default_rng([self.seed, self.current_epoch, batch]).integers(2**62)
        generator = torch.Generator().manual_seed(int(mixed))
        chosen = rows.to(self.films.cuts.device)
        size = self.recipe.size_at(self.current_epoch)
        pictures, lesions = bent(self.films.cuts[chosen], self.films.masks[chosen], self.recipe, generator, size)
        logits = self.network((pictures - GREY) / GREY)
        loss = segmentation_loss(logits, lesions, self.recipe)
        self._losses.append(loss.detach())
        return loss

    def on_train_epoch_end(self) -> None:
        """One row of history."""
        loss = float(torch.stack(self._losses).mean())
        self._losses.clear()
        self.history.append({"epoch": float(self.current_epoch + 1), "loss": loss})
        if self.tell is not None:
            self.tell(self.history)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history goes along."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """And comes back."""
        self.history = list(checkpoint["history"])


class Batches:
    """Rows of the batches of a module's current epoch: every film with a lesion once, and some without one."""

    def __init__(self, module: SegmentModule) -> None:
        self._module = module
        self.lesions = np.flatnonzero(module.films.lesion)
        self.empty = np.flatnonzero(~module.films.lesion)
        self.extra = min(len(self.empty), round(module.recipe.empty * len(self.lesions)))

    def __len__(self) -> int:
        return max(1, (len(self.lesions) + self.extra) // self._module.recipe.batch)

    def __iter__(self) -> Iterator[Tensor]:
        rng = np.random.default_rng([self._module.seed, self._module.current_epoch])
        some = rng.choice(self.empty, self.extra, replace=False) if self.extra else self.empty[:0]
        rows = rng.permutation(np.concatenate([self.lesions, some]))
        size = self._module.recipe.batch
        for batch in range(len(self)):  # the last, short one is left out: norms need company
            yield torch.from_numpy(rows[batch * size : (batch + 1) * size])


class _Rows:
    """Gives each index back: the sampler's batch is all that the module needs."""

    def __getitem__(self, rows: Tensor) -> Tensor:
        return rows
