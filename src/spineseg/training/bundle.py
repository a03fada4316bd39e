"""Copies the best weights of the study `weights` into the package, with a card of their figures.

make weights        # runs configs/studies/weights.yaml, then this
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from spineseg.config.data import PhantomSource
from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.errors import SpinesegError, WeightsError
from spineseg.files import sha256_of, write_whole
from spineseg.places import StudyPlaces
from spineseg.prediction.network_file import LICENCE, load_network
from spineseg.process_setup import prepare_environment
from spineseg.runs import Run, read_run
from spineseg.training.weights import bundled_weights

CONFIG = Path("configs/studies/weights.yaml")
RUN_FOLDER = "000-baseline"  # The study's only run.
MAX_BYTES = 7_000_000  # The package stays small enough for a repository.
CARD = """# Bundled starting weights

`{name}`: yolo11n-seg with the 24 levels C1..C7, T1..T12, L1..L5, {megabytes:.1f} MB.

**Trained on synthetic images only. It has seen no patient; it is a starting point for training and
for trying the software out, not for reading films.**

- Recipe: `configs/studies/weights.yaml`, run by `make weights` ({epochs} epochs from random weights
  at {size} px, best epoch {best_epoch}, {hours:.2f} hours of training on {machine}).
- Data: {films} phantoms (fingerprint `{fingerprint}`), of another seed and a higher difficulty than
  the default study's.
- Scores on {scored} phantoms kept apart, by the project's own evaluator, levels numbered by
  `{numbering}`: box mAP50 {box:.3f}, mask mAP50 {mask:.3f}, mask mAP50-95 {mask_95:.3f};
  {found:.1%} of the vertebrae found, {right:.1%} with their right level.
- Licence: AGPL-3.0, as the project.
- SHA-256: `{sha256}`
- Written {date} by `python -m spineseg.training.bundle`.
"""


def bundle(run: Run, config: StudyConfig, target: Path) -> str:
    """Copy a run's best weights to `target`, write the card beside them, and return it.

    Raises RecordError where the run has not finished, WeightsError for weights that are too large;
    then nothing is written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        copy_without_paths(run.best_weights, part, target.name)
        size = part.stat().st_size
        if size > MAX_BYTES:
            raise WeightsError(
                f"{run.best_weights}: {size} bytes, at most {MAX_BYTES} are bundled; train a "
                "smaller network"
            )
        card = _card(run, config, part, target.name)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    write_whole(target.with_name("README.md"), card)
    return card


def copy_without_paths(source: Path, target: Path, name: str) -> None:
    """Write a checkpoint's weights as one of half precision, without what says where it was made.

    Nothing in `source` runs: its network is built anew. Raises WeightsError as load_network does.
    """
    import torch
    import ultralytics

    network = load_network(source).half().requires_grad_(False)
    network.pt_path = name
    torch.save(
        {
            "model": network,
            "train_args": network.args,
            "version": ultralytics.__version__,
            "license": LICENCE,
        },
        target,
    )


def _card(run: Run, config: StudyConfig, weights: Path, name: str) -> str:
    scores, job = run.scores(), run.job
    phantoms = [source for source in config.data.sources if isinstance(source, PhantomSource)]
    assert run.finished is not None and run.started is not None
    facts = run.started.environment
    return CARD.format(
        name=name,
        megabytes=weights.stat().st_size / 1e6,
        epochs=run.finished.epochs,
        size=job.config.image_size_px,
        best_epoch=run.finished.best_epoch,
        hours=run.finished.train_seconds / 3600,
        machine=f"{facts['processor']}, {facts['cores']} cores",
        films=sum(source.frontal_films + source.lateral_films for source in phantoms),
        fingerprint=job.data_fingerprint[:12],
        scored=scores.films,
        numbering=job.numbering.numbering,
        box=scores.value("box_map50"),
        mask=scores.value("mask_map50"),
        mask_95=scores.value("mask_map50_95"),
        found=scores.value("found_rate"),
        right=scores.value("right_level_rate"),
        sha256=sha256_of(weights),
        date=time.strftime("%Y-%m-%d"),
    )


def main() -> int:
    """Copy the weights and print their card; 2 where they are too large or not there."""
    try:
        config = load_study(CONFIG)
        places = StudyPlaces(config.store.root, config.name)
        run = read_run(places.folder / RUN_FOLDER)
        prepare_environment(places.trainer)
        print(bundle(run, config, bundled_weights()))
    except SpinesegError as error:
        print(f"spineseg: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
