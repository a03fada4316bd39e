"""Copy the best weights of the study `weights` into the package, with a card of their figures.

make weights        # runs configs/studies/weights.yaml, then this
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

import torch

from spineseg.config.yaml_files import load_study
from spineseg.evaluation.evaluate import evaluation_file
from spineseg.evaluation.result import Evaluation
from spineseg.events import Finished, Started, read_events
from spineseg.training.weights import bundled_weights
from study.records import Records

CONFIG = Path("configs/studies/weights.yaml")
MAX_BYTES = 7_000_000
CARD = """# Bundled starting weights

`{name}`: yolo11n-seg with the 24 levels C1..C7, T1..T12, L1..L5, {megabytes:.1f} MB.

**Trained on synthetic images only. It has seen no patient; it is a starting point for training and
for trying the software out, not for reading films.**

- Recipe: `configs/studies/weights.yaml`, run by `make weights` ({epochs} epochs from random weights
  at {size} px, best epoch {best_epoch}, {hours:.2f} hours of training on {machine}).
- Data: {films} phantoms (fingerprint `{fingerprint}`), of another seed and a higher difficulty than
  the default study's.
- Scores on {images} phantoms kept apart, by the project's own evaluator: box mAP50 {box:.3f},
  mask mAP50 {mask:.3f}, mask mAP50-95 {mask_95:.3f}; {found:.1%} of the vertebrae found,
  {right:.1%} with their right level.
- Licence: AGPL-3.0, as the project.
- SHA-256: `{sha}`
- Written {date} by `benchmarks/bundle_weights.py`.
"""


def copy_without_paths(source: Path, target: Path) -> None:
    """Copy a checkpoint, leaving out what only says where and when it was made."""
    checkpoint = torch.load(source, map_location="cpu", weights_only=False)
    kept = {"task", "imgsz", "overlap_mask", "mask_ratio", "single_cls"}
    settings = {key: value for key, value in checkpoint["train_args"].items() if key in kept}
    network = checkpoint["model"]
    network.args = settings
    network.pt_path = target.name
    torch.save(
        {
            "model": network,
            "train_args": settings,
            "version": checkpoint["version"],
            "license": "AGPL-3.0",
        },
        target,
    )


def main() -> int:
    """Copy and write the card; 1 where the weights are too large or not there."""
    config = load_study(CONFIG)
    folder = Records(config).run_folder(0, "baseline")
    events = read_events(folder)
    finished = next((event for event in events if isinstance(event, Finished)), None)
    if finished is None:
        print(f"{folder}: has not finished; run `spineseg run {CONFIG}` first", file=sys.stderr)
        return 1
    target = bundled_weights()
    target.parent.mkdir(exist_ok=True)
    copy_without_paths(folder / finished.best_weights, target)
    size = target.stat().st_size
    if size > MAX_BYTES:
        target.unlink()
        print(f"{target}: {size} bytes, at most {MAX_BYTES}", file=sys.stderr)
        return 1
    started = next(event for event in events if isinstance(event, Started))
    evaluation = Evaluation.load(evaluation_file(folder, "argmax"))
    source = config.data.sources[0]
    fingerprint = str(Records(config).load().user_attrs["data_fingerprint"])
    card = CARD.format(
        name=target.name,
        megabytes=size / 1e6,
        epochs=finished.epochs,
        size=config.baseline.image_size_px,
        best_epoch=finished.best_epoch,
        hours=finished.train_seconds / 3600,
        machine=f"{started.environment['processor']}, {started.environment['cores']} cores",
        films=source.frontal_films + source.lateral_films,  # type: ignore[union-attr]
        fingerprint=fingerprint[:12],
        images=evaluation.images,
        box=evaluation.box_map50,
        mask=evaluation.mask_map50,
        mask_95=evaluation.mask_map50_95,
        found=evaluation.found_rate,
        right=evaluation.right_level_rate,
        sha=hashlib.sha256(target.read_bytes()).hexdigest(),
        date=time.strftime("%Y-%m-%d"),
    )
    target.with_name("README.md").write_text(card)
    print(card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
