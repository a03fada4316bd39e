"""`spineseg predict` as a person gives it: folders, lines while it works, exit codes, pages."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import spineseg
from PIL import Image
from playwright.sync_api import sync_playwright

from spineseg.chosen_model import Asked
from spineseg.commands import film_progress
from spineseg.commands.film_progress import FilmProgress
from spineseg.errors import ConfigError, WeightsError
from spineseg.inference.outcome import Step
from spineseg.inference.predict import predict_films
from spineseg.inference.table import note
from spineseg.phantom.film import render_film

wide = pytest.mark.wide


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, of: int, **fault: str) -> str:
    """Return what is printed while `of` films are done, the second with a `fault`."""
    monkeypatch.setattr("sys.stdout", stream)
    with FilmProgress(as_json=False) as progress:
        for number in range(1, of + 1):
            answer = {"image": f"in/{number}.png", "vertebrae": [], "same_picture_as": None}
            answer |= fault if number == 2 else {}
            progress.show(Step(number, of, answer, Path(f"out/{number}.png"), kept=False))
    return stream.getvalue()


def test_few_films_have_a_line_each_and_many_one_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = shown(monkeypatch, io.StringIO(), 3).splitlines()
    assert len(few) == 3 and few[0] == "in/1.png: 0 vertebrae, out/1.png and .json"
    many = shown(monkeypatch, io.StringIO(), 1200, error="in/2.png: is cut short").splitlines()
    assert many[0] == "not predicted: in/2.png: is cut short"
    assert len(many) == 2 and many[1].startswith("1,200 of 1,200 films, ")
    for name in ("_FIRST_SECONDS", "QUIET_SECONDS"):
        monkeypatch.setattr(film_progress, name, -1.0)
    assert "1,199 of 1,200 films, " in shown(monkeypatch, io.StringIO(), 1200)
    on_terminal = shown(monkeypatch, Terminal(), 30, error="in/2.png: is cut short")
    assert "30/30" in on_terminal and "not predicted: in/2.png: is cut short" in on_terminal


def test_control_characters_of_a_films_name_do_not_reach_the_terminal() -> None:
    answer = {"image": "in/\x1b[2J.png", "vertebrae": [], "same_picture_as": None}
    step = Step(1, 1, answer, Path("out/\x1b[2J.png"), kept=False)
    assert step.text().startswith("in/")
    assert step.text().isprintable()
    damaged = step._replace(answer=answer | {"error": "in/\x1b[2J.png: is cut short"})
    assert damaged.text().isprintable()
    assert note(damaged.answer) == "not predicted: is cut short"


def test_weights_and_folder_are_refused_before_any_film_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said: list[str] = []
    with pytest.raises(ConfigError, match="is not empty"):
        predict_films(["gone.png"], Asked(weights="gone.pt"), out=tmp_path, say=said.append)
    with pytest.raises(WeightsError, match=r"gone\.pt"):
        predict_films(["gone.png"], Asked(weights="gone.pt"), device="cpu", say=said.append)
    assert said == ["looking for the weights"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three phantoms in two folders, one of them cut short."""
    folder = tmp_path_factory.mktemp("command")
    for number, name in enumerate(("a/film.png", "b/film.png", "b/cut.png")):
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(render_film("frontal", 224, number).pixels).save(path)
    path.write_bytes(path.read_bytes()[:9000])
    (folder / "in" / "notes.txt").write_text("no film")
    return folder


@wide
def test_a_folder_is_predicted_and_one_damaged_film_ends_in_exit_code_1(folder: Path) -> None:
    done = spineseg("predict", "in", "--weights", "bundled", "--json", cwd=folder)
    assert done.returncode == 1, done.stderr
    answers = json.loads(done.stdout)
    assert [len(answer["vertebrae"]) > 10 for answer in answers] == [True, False, True]
    assert answers[1]["error"].startswith("in/b/cut.png: is no image that can be read to its end")
    said = done.stderr.splitlines()
    assert said[:4] == [
        "looking for the weights",
        "looking for films",
        "3 films to predict; 1 skipped: 1 no film (.txt)",
        "loading the network",
    ]
    assert said[-1] == "predictions/index.html, predictions.csv, overlays"
    again = spineseg("predict", "in/*/film.png", "--weights", "bundled", cwd=folder)
    assert again.returncode == 0 and "predictions-2/index.html" in again.stdout, again.stderr
    taken = spineseg(
        "predict", "in/a", "--weights", "bundled", "--out", "predictions-2", cwd=folder
    )
    assert taken.returncode == 2 and "holds predictions of 1 other film" in taken.stderr
    for words in ("gone.png", "in/notes.txt", "nowhere/*.png"):
        refused = spineseg("predict", "in", words, "--weights", "bundled", cwd=folder)
        (line,) = refused.stderr.splitlines()
        assert refused.returncode == 2 and line.startswith(f"spineseg: {words}: ")
    assert not (folder / "predictions-3").exists()


@wide
def test_the_gallery_is_legible_at_any_width_and_leads_where_it_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    predict_films(["in"], Asked(weights="bundled"), out=Path("shown"), device="cpu")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page()
        page.goto((folder / "shown" / "index.html").as_uri())
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            letters = page.evaluate(
                "[...document.querySelectorAll('li p, dd, dt, footer')]"
                ".map(e => parseFloat(getComputedStyle(e).fontSize))"
            )
            assert min(letters) >= 12
        pictures = page.locator("main img")
        for number in range(pictures.count()):
            pictures.nth(number).scroll_into_view_if_needed()
        page.wait_for_function("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        links = page.evaluate(
            "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
        )
        assert pictures.count() == 2 and "film-1.png" in links
        assert all((folder / "shown" / link).is_file() for link in links)
        text = page.inner_text("body")
        assert "SYNTHETIC: trained on synthetic X-rays only. Not a medical device" in text
        assert (
            "in/b/cut.png" in text
            and "not predicted: is no image" in text
            and "1 no film (.txt)" in text
        )
        chromium.close()


@wide
def test_hundreds_of_films_make_pages_and_are_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    rng = np.random.default_rng(0)
    for number in range(230):
        grey = rng.integers(0, 255, (48, 32), np.uint8)
        Image.fromarray(grey).save(f"in/{number:03d}.png")
    asked = Asked(weights="bundled", image_size_px=32)
    done = predict_films(["in"], asked, out=Path("out"), device="cpu")
    assert (done.done, done.kept, done.same) == (230, 0, 0)
    assert len(Path("out/predictions.csv").read_text().splitlines()) >= 231
    second = Path("out/index-2.html").read_text()
    assert "Films 201 to 230 of 230" in second and second.count("<img") == 30
    Path("out/index-2.html").unlink()
    shutil.copy("in/000.png", "in/229.png")
    again = predict_films(["in"], asked, out=Path("out"), device="cpu")
    assert (again.done, again.kept, again.same) == (230, 229, 1)
    assert "same picture as in/000.png" in Path("out/index-2.html").read_text()
