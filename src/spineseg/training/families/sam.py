"""SAM, its mask decoder tuned to vertebrae behind a YOLO network that is trained already."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from spineseg.data.manifest import load_manifest
from spineseg.errors import WeightsError
from spineseg.levels import CLASS_NAMES
from spineseg.prediction.built import named
from spineseg.prediction.mask2former import normalised
from spineseg.prediction.network_file import Prompter, load_network, prompted_by
from spineseg.training.families.protocol import Asked, Hooks
from spineseg.training.film_cache import has_room
from spineseg.training.looped.learner import Learner
from spineseg.training.looped.loop import SUFFIX, LoopedTraining, own_scores, stripped
from spineseg.training.saved import Saved

__all__ = ["SUFFIX", "own_scores", "stripped", "train"]
_FLOAT_BYTES = 4
_NEAR = 0.5  # Of a prompt's side, around it: what its mask learns from.
_MOVES = ("hsv_v", "degrees", "translate", "scale", "shear", "flipud", "fliplr")


def train(asked: Asked, saved: Saved | None, hooks: Hooks) -> None:
    """Train as `Trainings` says."""
    LoopedTraining(asked, lambda: _learner(asked), saved).train(hooks)


class SamLearner(Learner):
    """SAM with the Dice and the cross-entropy of its masks, prompted with labelled boxes, moved.

    Both are of what lies near a prompt: a mask is cut to it, and a body is a hundredth of its film.

    Where the image encoder stays as it is and films do not move, each film is encoded once.
    """

    def __init__(
        self, network: Any, *, jitter: float, prompts: int, encodes: bool, once: bool
    ) -> None:
        """Train the mask decoder, and where it `encodes` the image encoder; never the prompter.

        A film with more than `prompts` bodies teaches so many of them in a step, drawn at random.
        """
        super().__init__(network)
        self._jitter, self._prompts = jitter, prompts
        self._encodes, self._once = encodes, once
        self._known: dict[int, torch.Tensor] = {}  # Embeddings by film, on the CPU.
        network.requires_grad_(False)
        network.sam.mask_decoder.requires_grad_(True)
        network.sam.vision_encoder.requires_grad_(encodes)

    def losses(self, pixels: torch.Tensor, targets: list[dict[str, Any]]) -> dict[str, Any]:
        """Return both losses, each the mean over the batch's bodies."""
        embeddings = self._embeddings(pixels, targets)
        logits, masks, around = [], [], []
        for embedding, film in zip(embeddings, targets, strict=True):
            if not len(film["boxes"]):
                continue
            drawn = self._drawn(len(film["boxes"])).to(pixels.device)
            prompts = self._moved(film["boxes"][drawn])
            found = self.network.sam(
                image_embeddings=embedding[None], input_boxes=prompts[None], multimask_output=False
            )
            logits.append(found.pred_masks[0, :, 0])
            size = logits[-1].shape[-2:]
            whole = film["masks"][drawn][:, None].float()
            masks.append(interpolate(whole, size=size, mode="area")[:, 0])
            around.append(_near(prompts * (size[-1] / pixels.shape[-1]), size))
        if not logits:  # Nothing to learn from in this batch.
            nothing = sum(w.sum() for w in self.parameters() if w.requires_grad) * 0.0
            return {"seg_loss": nothing, "dice_loss": nothing}
        found, wanted, near = torch.cat(logits), torch.cat(masks), torch.cat(around)
        inside = found.sigmoid() * near
        common = (inside * wanted).sum((1, 2))
        dice = 1 - (2 * common + 1) / (inside.sum((1, 2)) + wanted.sum((1, 2)) + 1)
        entropy = binary_cross_entropy_with_logits(found, wanted, weight=near, reduction="sum")
        return {"seg_loss": entropy / near.sum(), "dice_loss": dice.mean()}

    def _embeddings(self, pixels: torch.Tensor, targets: list[dict[str, Any]]) -> torch.Tensor:
        encoder = self.network.sam.vision_encoder
        if self._encodes:
            return encoder(normalised(pixels))[0]
        with torch.no_grad():
            if not self._once:
                return encoder(normalised(pixels))[0]
            for film, alone in zip(targets, pixels, strict=True):
                if film["film"] not in self._known:
                    self._known[film["film"]] = encoder(normalised(alone[None]))[0][0].cpu()
            known = [self._known[film["film"]] for film in targets]
            return torch.stack(known).to(pixels.device)

    def _drawn(self, bodies: int) -> torch.Tensor:
        """Return which of a film's bodies are learnt from, (at most `prompts`,)."""
        if bodies <= self._prompts:
            return torch.arange(bodies)
        return torch.randperm(bodies)[: self._prompts]

    def _moved(self, boxes: torch.Tensor) -> torch.Tensor:
        """Return boxes (n, 4) with their sides moved at random: a prompt is never exact."""
        sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
        return boxes + (2 * torch.rand_like(boxes) - 1) * self._jitter * sides


def _near(boxes: torch.Tensor, size: torch.Size) -> torch.Tensor:
    """Return what lies near boxes (n, 4) of a mask's grid: (n, *size), 1 there and 0 elsewhere."""
    grown = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1) * _NEAR
    low, high = (boxes[:, :2] - grown)[..., None], (boxes[:, 2:] + grown)[..., None]
    down, across = (torch.arange(each, device=boxes.device) + 0.5 for each in size)
    columns = (across > low[:, 0]) & (across < high[:, 0])
    rows = (down > low[:, 1]) & (down < high[:, 1])
    return (rows[:, :, None] & columns[:, None, :]).float()


def _learner(asked: Asked) -> Learner:
    job, config = asked.job, asked.job.config
    assert job.prompter is not None, job.name
    prompter = load_network(job.prompter)
    names = tuple(prompter.names[place] for place in sorted(prompter.names))
    if names != CLASS_NAMES:
        raise WeightsError(f"{job.prompter}: prompts with other classes than the 24 levels")
    network = named(config.model, CLASS_NAMES, image_size_px=config.image_size_px)
    if job.weights:
        network.sam.load_state_dict(load_network(job.weights).sam.state_dict())
    network.prompter = prompter
    side = int(prompter.args["imgsz"])
    about = Prompter(architecture=prompter.architecture, image_size_px=side)
    prompted_by(network, about, CLASS_NAMES)
    once = not config.train_encoder and not any(getattr(config, name) for name in _MOVES)
    return SamLearner(
        network,
        jitter=config.prompt_jitter,
        prompts=config.sampled_prompts,
        encodes=config.train_encoder,
        once=once and _may_keep(network, asked),
    )


def _may_keep(network: Any, asked: Asked) -> bool:
    """Return whether what the image encoder says of all films has room in memory."""
    encoder = network.sam.config.vision_config
    places = (encoder.image_size // encoder.patch_size) ** 2
    films = load_manifest(asked.job.dataset).count("train")
    needed = films * places * encoder.output_channels * _FLOAT_BYTES
    return has_room("films are encoded", needed, asked.orders.neighbours)
