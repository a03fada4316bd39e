"""Take the pictures of docs/mlflow.md: MLflow's pages over a finished study, in a browser.

python benchmarks/screenshots.py [CONFIG] [--to docs/mlflow]          # about a minute

CONFIG is a study that was run to its end; the default one takes some ten minutes, and `promote`
makes the model's page. Only synthetic films are taken: the pictures are committed. Each is made
small (256 colours); a page that is not there is named, and the others are taken all the same.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mlflow.exceptions import MlflowException
from PIL import Image
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, sync_playwright

from spineseg.config.study import StudyConfig
from spineseg.config.yaml_files import load_study
from spineseg.places import StudyPlaces
from spineseg.study_record import read_study
from spineseg.tracking.model_versions import ALIAS
from spineseg.tracking.store import open_existing_store

MOST_BYTES = 150_000
_SIZE = {"width": 1500, "height": 900}
_ROWS = '.ag-row a[href*="/runs/"]'
_PLOTS = '[data-testid$="compare-runs-card"] :is(.js-plotly-plot, canvas, img)'
_PICTURES = '[data-testid$="compare-runs-card"] img'
_WAIT_MS = 120_000
_PLAIN = Image.Dither.NONE


class Missing(Exception):
    """A page that this study has not."""


def visit(page: Page, address: str, *wanted: str) -> None:
    """Go to a page and wait until everything wanted is in sight."""
    page.goto("about:blank")
    page.goto(address)
    for selector in wanted:
        page.wait_for_selector(selector, timeout=_WAIT_MS)
    page.wait_for_timeout(3000)  # Charts slide into their places.


def view(page: Page, start: str, slug: str, *wanted: str) -> None:
    """Go to one of the study's views."""
    charts = "" if slug in {"leaderboard", "failures"} else "&compareRunsMode=CHART"
    visit(page, start.replace("spineseg-leaderboard", f"spineseg-{slug}{charts}"), *wanted)


def best_run(page: Page, start: str) -> None:
    """Go to the page of the run that leads the list."""
    visit(page, start, _ROWS)
    target = page.locator(_ROWS).first.get_attribute("href")
    visit(page, f"{start.partition('#')[0]}{target}", "text=Metrics")


def model(page: Page, start: str, config: StudyConfig) -> None:
    """Go to the page of the champion's version."""
    client, name = open_existing_store(config.store.root, None).client, config.promote.model_name
    try:
        version = client.get_model_version_by_alias(name, ALIAS).version
    except MlflowException:
        raise Missing(f"{name} has no champion yet: `make promote` makes one") from None
    place = f"#/models/{name}/versions/{version}"
    visit(page, f"{start.partition('#')[0]}{place}", f"text=Version {version}")


def small(picture: bytes) -> bytes:
    """Return a PNG in as many colours as it takes to be small enough."""
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    for colors in (256, 128, 64, 32):
        packed = io.BytesIO()
        # Chosen for coverage, else the few dots of color are lost among the many greys of
        # letters; then moved to the middles of what they stand for, else a grey becomes pink.
        few = whole.quantize(colors, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=_PLAIN)
        few.save(packed, "PNG", optimize=True)
        if packed.tell() <= MOST_BYTES:
            break
    return packed.getvalue()


def taken(start: str, config: StudyConfig, folder: Path) -> list[str]:
    """Take every picture; return a line for each that could not be."""
    missing = []
    pages: dict[str, Callable[[Page], None]] = {
        "leaderboard": lambda page: view(page, start, "leaderboard", _ROWS),
        "curves": lambda page: view(page, start, "curves", _ROWS, _PLOTS),
        "search": lambda page: view(page, start, "search", _ROWS, _PLOTS),
        "seeds": lambda page: view(page, start, "seeds", _ROWS, _PLOTS),
        "films": lambda page: view(page, start, "films", _ROWS, _PICTURES),
        "run": lambda page: best_run(page, start),
        "model": lambda page: model(page, start, config),
    }
    with sync_playwright() as player:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, go in pages.items():
            page = browser.new_page(viewport=_SIZE)  # type: ignore[arg-type]
            try:
                go(page)
            except (BrowserError, Missing) as error:
                missing.append(f"{name}: {str(error).splitlines()[0]}")
            else:
                file = folder / f"{name}.png"
                file.write_bytes(small(page.screenshot()))
                print(f"{file}  {file.stat().st_size // 1000} kB", flush=True)
            page.close()
        browser.close()
    return missing


def main() -> None:
    """Serve the study's pages, take the pictures, and name what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path("configs/studies/phantom.yaml")
    parser.add_argument("config", type=Path, nargs="?", default=default)
    parser.add_argument("--to", type=Path, default=Path("docs/mlflow"))
    parser.add_argument("--port", type=int, default=5094)
    given = parser.parse_args()
    config = load_study(given.config)
    study = read_study(StudyPlaces(config.store.root, config.name))
    if not study.manifest.synthetic:
        raise SystemExit("these films are of patients; pictures for the docs show synthetic ones")
    given.to.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "study.cli", "ui", str(given.config)]
    pages = subprocess.Popen(
        [*command, "--port", str(given.port)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert pages.stdout is not None
        start = next(
            (line.strip() for line in pages.stdout if line.strip().startswith("http")), None
        )
        if start is None:
            raise SystemExit("the pages did not come up; the lines above say why")
        missing = taken(start, config, given.to)
    finally:
        pages.send_signal(signal.SIGINT)
        pages.wait()
    for line in missing:
        print(f"not taken: {line}")
    raise SystemExit(1 if missing else 0)


if __name__ == "__main__":
    main()
