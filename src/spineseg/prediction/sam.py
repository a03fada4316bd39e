"""SAM (Kirillov et al. 2023), prompted by a YOLO network's boxes.

Where vertebrae are, and which, is the YOLO network's to say: SAM draws their outlines. Both lie in
one file. SAM is transformers'.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spineseg.errors import WeightsError
from spineseg.files import shown
from spineseg.prediction.box_masks import box_masks
from spineseg.prediction.extra import needs_models
from spineseg.prediction.mask2former import normalised
from spineseg.prediction.segmenter import Rows, Segmenter
from spineseg.prediction.square import film_in_square
from spineseg.prediction.yolo import FamilySegmenter as YoloSegmenter

_PROMPTS_AT_A_TIME = 32  # More at once are slower each: what the decoder holds leaves the caches.
_BEYOND = 0.1  # Of a prompt's side: so far outside it a mask may reach.
_SMALL: dict[str, Any] = {
    "hidden_size": 192,
    "num_hidden_layers": 6,
    "num_attention_heads": 3,
    "output_channels": 128,
    "num_pos_feats": 64,
    "patch_size": 8,
    "global_attn_indexes": [2, 5],
}
_FREQUENCIES, _SMALL_FREQUENCIES = 1.0, 4.0  # Of places: at 1 neighbours have much in common.
_ALIKE = 2.0  # How strongly attention begins where places are alike.


def build(architecture: str, classes: int, *, image_size_px: int, prompter: Any = None) -> Any:
    """Return the SAM of that name, untrained, with the YOLO network `prompter` that prompts it.

    `sam-vit-b` is the published one; `sam-small` has patches of 8 px, six layers of width 192, and
    128 channels. The places of their patches are weights, so each takes films of one size. None for
    a name that is neither. Raises ConfigError where transformers is not installed.
    """
    if architecture not in ("sam-vit-b", "sam-small"):
        return None
    with needs_models(architecture):
        from transformers import SamConfig, SamModel
    import torch

    small = architecture == "sam-small"
    width = 128 if small else 256
    config: Any = SamConfig(
        vision_config={"image_size": image_size_px, **(_SMALL if small else {})},
        prompt_encoder_config={
            "image_size": image_size_px,
            "hidden_size": width,
            "patch_size": 8 if small else 16,
        },
        mask_decoder_config={"hidden_size": width, "mlp_dim": 512 if small else 2048},
    )
    config.vision_config.scale = _SMALL_FREQUENCIES if small else _FREQUENCIES

    class PromptedSam(torch.nn.Module):
        """SAM, and the YOLO network whose boxes prompt it."""

        def __init__(self) -> None:
            super().__init__()
            self.sam = _drawn(SamModel(config), small)
            self.prompter = prompter

    return PromptedSam()


def _drawn(sam: Any, small: bool) -> Any:
    """Return a SAM with weights drawn as PyTorch draws them, which SAM's authors do.

    transformers' own draws are for weights that are read over them: behind these, attention is even
    all over the film for hundreds of steps. In a small one it begins where a prompt's places and
    the film's are alike: trained from nothing on few films, it would take long to find that.
    """
    for part in sam.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    for part in sam.mask_decoder.modules() if small else ():
        if hasattr(part, "q_proj"):
            part.q_proj.weight.data *= _ALIKE
            part.k_proj.weight.data.copy_(part.q_proj.weight.data)
    return sam


class FamilySegmenter(Segmenter):
    """SAM behind the YOLO network that prompts it."""

    def __init__(self, network: Any, weights: Path, **settings: Any) -> None:
        """Take over a network, and a copy of what prompts it, which predicting would change.

        Raises WeightsError where nothing prompts it.
        """
        super().__init__(network, weights, **settings)
        side = network.sam.config.vision_config.image_size
        if side != self.image_size_px:
            raise WeightsError(
                f"{shown(weights)}: takes films of {side} px and no other, not of "
                f"{self.image_size_px}; leave the image size out"
            )
        if network.prompter is None:
            raise WeightsError(
                f"{shown(weights)}: no network in it prompts SAM, so it finds nothing; name the "
                "weights of a training"
            )
        prompting = settings | {"image_size_px": network.prompter_image_size_px}
        self._prompter = YoloSegmenter(copy.deepcopy(network.prompter), weights, **prompting)

    def _rows(self, images: list[np.ndarray]) -> list[Rows]:
        prompted = self._prompter._rows(images)
        embeddings = self.network.sam.get_image_embeddings(normalised(self.fitted(images)))
        return [
            self._outlined(rows, embedding[None], image.shape[:2])
            for rows, embedding, image in zip(prompted, embeddings, images, strict=True)
        ]

    def _outlined(self, rows: Rows, embedding: Any, shape: tuple[int, int]) -> Rows:
        """Return a film's rows with SAM's masks; rows of one box share theirs."""
        if not len(rows.boxes):
            return rows
        boxes, which = np.unique(rows.boxes, axis=0, return_inverse=True)
        prompts = self._torch.from_numpy(self._in_square(boxes, shape)).to(embedding)
        parts = prompts.split(_PROMPTS_AT_A_TIME)
        logits = np.concatenate([self._drawn_at(embedding, some) for some in parts])
        masks = box_masks(logits, _wider(boxes), shape)
        return replace(rows, masks=[masks[i] for i in which.ravel()])

    def _drawn_at(self, embedding: Any, prompts: Any) -> np.ndarray:
        """Return the logits (n, side, side) of the masks at prompts (n, 4)."""
        found = self.network.sam(
            image_embeddings=embedding, input_boxes=prompts[None], multimask_output=False
        )
        logits: np.ndarray = found.pred_masks[0, :, 0].float().cpu().numpy()
        return logits

    def _in_square(self, boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Return boxes (n, 4) of a film in px of the square that it is put in."""
        low, _ = film_in_square(shape, self.image_size_px)
        gain = self.image_size_px / max(shape)
        return (boxes.reshape(-1, 2, 2) * gain + low).reshape(-1, 4).astype(np.float32)


def _wider(boxes: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) grown on all sides."""
    grown = np.tile(boxes[:, 2:] - boxes[:, :2], 2) * _BEYOND
    wider: np.ndarray = boxes + grown * [-1, -1, 1, 1]
    return wider
