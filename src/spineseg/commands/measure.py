"""`spineseg measure`: angles, disc heights and slips, with a network's outlines or from labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spineseg.commands.inference import DEVICE, chooses_weights
from spineseg.commands.options import JSON, say_to


@click.command()
@click.argument("films", nargs=-1, metavar="FILES|FOLDERS|PATTERNS...")
@chooses_weights
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Measure the labels of a labelled folder, and use no network.",
)
@click.option("--part", default="all", show_default=True, help="Part of --labels.")
@click.option(
    "--aspect",
    metavar="W:H",
    help="The films' true width to height, as 755:2125, of those that were squeezed to a square.",
)
@click.option(
    "--sizes",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="The same film by film: film, width_px, height_px.",
)
@click.option("--view", type=click.Choice(["frontal", "lateral"]), help="Refuse any other view.")
@click.option(
    "--front",
    type=click.Choice(["left", "right"]),
    help="Side of a lateral film that the face looks to; default: as C1's arch says.",
)
@click.option(
    "--outline-error",
    type=float,
    metavar="SHARE",
    help="Mean distance of outlines from labels, as a share of the film's height, which the "
    "intervals come from; default: as the weights' own validation measured it.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    default=0.25,
    show_default=True,
    help="Less certain vertebrae are left out.",
)
@click.option(
    "--metal",
    is_flag=True,
    help="Measure films with metal on the column, too, or overexposed ones.",
)
@click.option(
    "--dicom",
    is_flag=True,
    help="Write outlines as DICOM SEG and figures as DICOM SR, too, which name the film's patient "
    "as the film does; of DICOM films.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for pictures, JSON and CSV; default: measures, or measures-2 and so on.",
)
@DEVICE
@JSON
def measure(
    films: tuple[str, ...],
    labels: Path | None,
    part: str,
    aspect: str | None,
    sizes: Path | None,
    view: Any,
    front: Any,
    outline_error: float | None,
    confidence: float,
    metal: bool,
    dicom: bool,
    out: Path | None,
    device: str,
    as_json: bool,
    **asked: Any,
) -> None:
    """Measure spines: Cobb angles, lordosis, disc heights, slips, each with its interval.

    Geometry of outlines, never a diagnosis. Exit code 1 where a film could not be measured and
    the others were; each such film is told with the reason.
    """
    from spineseg.chosen_model import Asked
    from spineseg.commands.film_progress import FilmProgress
    from spineseg.data.labelled import read_films
    from spineseg.errors import ConfigError
    from spineseg.inference.measure import measure_films, measure_labels
    from spineseg.inference.measures_folder import How
    from spineseg.measurement.aspect import read_aspect

    if bool(films) == (labels is not None):
        raise ConfigError("name films, or a folder of labels with --labels, one of the two")
    if labels is not None and any(asked[name] is not None for name in ("weights", "run", "model")):
        raise ConfigError("--labels uses no network; leave --weights, --run and --model out")
    shape = read_aspect(aspect) if aspect is not None else None
    how = How(shape, sizes, view, front, outline_error, dicom, metal)
    say = say_to(as_json)
    with FilmProgress(as_json) as progress:
        if labels is not None:
            done = measure_labels(read_films(labels, part), how, out=out, each=progress.show)
        else:
            done = measure_films(
                films,
                Asked(**asked),
                how,
                out=out,
                confidence=confidence,
                device=device,
                say=say,
                each=progress.show,
            )
    say(done.text())
    raise SystemExit(1 if done.errors else 0)
