"""The page in a real browser: a film dropped, a confidence chosen, answers saved, errors told."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mixed_films import SPACING, dicom, grey_film, png
from page_server import PageServer, chromium, offered
from PIL import Image

from spineseg.decoding.decode import decode
from spineseg.prediction.answers import numbered_film
from spineseg.prediction.outlines import prediction_as_json
from spineseg.serving import app
from spineseg.serving.offered import Offered

wide = pytest.mark.wide
DROP = """(target, [name, content]) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  for (const type of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def models() -> list[Offered]:
    return [
        offered("champion", "Champion, version 3"),
        offered("baseline", "Baseline", image_size_px=160),
    ]


@pytest.fixture(scope="module")
def server(models: list[Offered]) -> Iterator[PageServer]:
    server = PageServer(models)
    yield server
    server.stop()


@pytest.fixture
def page(browser: Any, server: PageServer) -> Iterator[Any]:
    """The page as it opens; whatever it asks elsewhere, or breaks at, fails the test."""
    page = opened(browser, server)
    asked, broken = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda line: broken.append(line.text) if "Policy" in line.text else None)
    yield page
    page.close()
    assert broken == []
    assert all(url.startswith((server.url, "data:", "blob:")) for url in asked), asked


def opened(browser: Any, server: PageServer, width: int = 1280) -> Any:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(server.url)
    page.locator("#status", has_text="Ready").wait_for()
    return page


def drop(page: Any, name: str, content: bytes) -> None:
    page.locator("#drop").evaluate(DROP, [name, base64.b64encode(content).decode()])
    waited(page)


def choose(page: Any, name: str, content: bytes) -> None:
    page.set_input_files(
        "#choose", {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    waited(page)


def waited(page: Any) -> None:
    page.locator("main[aria-busy=false]").wait_for()


def said(model: Offered, content: bytes, confidence: float) -> list[dict]:
    film, name = decode(content, Path("film")), Path("film")
    found = numbered_film(model.segmenter, film, name, model.chosen.numbering)
    return prediction_as_json(found, confidence, film.spacing)["vertebrae"]


def pixels(page: Any, key: str) -> np.ndarray:
    """Return what is drawn of a model's answer, (height, width, 3) uint8."""
    url = page.locator(f"#figure-{key} .stage canvas").evaluate("c => c.toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    return np.asarray(picture.convert("RGB"))


def coloured(picture: np.ndarray) -> float:
    """Return the share of a picture that is no grey: outlines are coloured, films are not."""
    return float((np.ptp(picture.astype(int), axis=2) > 40).mean())


def test_a_film_dropped_is_outlined_by_both_models(page: Any, models: list[Offered]) -> None:
    drop(page, "film.png", png())
    for model in models:
        count = len(said(model, png(), 0.25))
        assert f"{model.title}: {count} vertebrae" in page.inner_text("#status")
        assert page.inner_text(f"#figure-{model.key} .count") == f"{count} vertebrae"
        assert coloured(pixels(page, model.key)) > 0.01
    assert page.locator("#problem").is_hidden()
    assert "Not a medical device" in page.inner_text("header")
    assert page.locator("#synthetic").is_visible()


@wide
def test_the_slider_gives_what_predict_gives_and_it_can_be_saved(
    page: Any, models: list[Offered]
) -> None:
    choose(page, "film one.png", png())
    for confidence in (0.05, 0.5, 0.95):
        page.locator("#confidence").fill(str(confidence))
        for model in models:
            wanted = said(model, png(), confidence)
            with page.expect_download() as download:
                page.locator(f"#figure-{model.key} button", has_text="JSON").click()
            assert download.value.suggested_filename == f"film one-{model.key}.json"
            answer = json.loads(Path(download.value.path()).read_text())
            assert answer["vertebrae"] == wanted and answer["confidence"] == confidence
            assert answer["synthetic"] is True and "Not a medical device" in answer["note"]
            assert answer["weights"] == model.chosen.as_json()
            label = page.locator(f"#figure-{model.key} canvas").get_attribute("aria-label")
            assert all(v["level"] in label for v in wanted)


@wide
def test_the_picture_saved_has_outlines_and_says_what_it_is_not(page: Any) -> None:
    choose(page, "film.png", png())
    with page.expect_download() as download:
        page.locator("#figure-champion button", has_text="picture").click()
    picture = np.asarray(Image.open(download.value.path()).convert("RGB"))
    assert picture.shape[1] == 1000 and picture.shape[0] > 1000  # A line of words below the film.
    assert coloured(picture[:1000]) > 0.01 and coloured(picture[1000:]) > 0.02


@wide
def test_it_works_by_keyboard_alone(page: Any) -> None:
    names = ["one.png", "two.png"]
    page.on(
        "filechooser",
        lambda chooser: chooser.set_files(
            {"name": names.pop(0), "mimeType": "image/png", "buffer": png()}
        ),
    )
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "choose"
    for key, name in (("Space", "one.png"), ("Enter", "two.png")):
        page.keyboard.press(key)
        page.locator("#status", has_text=f"{name}. Champion").wait_for()
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("id") == "confidence"
    before = page.inner_text("#figure-champion .count")
    for _ in range(70):
        page.keyboard.press("ArrowRight")
    assert page.inner_text("#shown") == "0.95"
    assert page.inner_text("#figure-champion .count") != before
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Save JSON"
    with page.expect_download():
        page.keyboard.press("Enter")
    outline = page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"  # Where the focus is can be seen.


@wide
def test_a_dicom_film_is_shown_by_its_window_with_its_millimetres(page: Any) -> None:
    drop(page, "IM0001", dicom(**SPACING))
    assert "0.2 × 0.1 mm a pixel (calibrated)" in page.inner_text("#facts")
    grey = pixels(page, "champion")[..., 0]
    wanted = np.asarray(Image.fromarray(grey_film(0)).resize(grey.shape[::-1]))
    assert np.corrcoef(grey[:, :100].ravel(), wanted[:, :100].ravel())[0, 1] > 0.98


@wide
def test_errors_are_told_in_words_and_the_last_film_stays(
    page: Any, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(page, "good.png", png())
    for name, content, words in (
        ("empty.png", b"", "empty.png: the file is empty; choose another"),
        ("text.png", b"no image", "text.png: is no image that can be read"),
        ("cut.png", png()[:900], "cut.png: is no image that can be read to its end"),
        ("other.dcm", b"no image", "other.dcm: is no DICOM"),
    ):
        drop(page, name, content)
        assert page.inner_text("#problem").startswith(words)
        assert page.inner_text("#status") == "In sight is still good.png."
    choose(page, "good.png", png())
    assert page.locator("#problem").is_hidden()
    page.route("**/films*", lambda route: route.abort())
    drop(page, "good.png", png())
    assert "does not answer; is `spineseg try` still running?" in page.inner_text("#problem")


@wide
def test_a_file_too_large_is_refused_before_it_is_sent(
    browser: Any, server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MOST_BYTES", 1024**2)
    page = opened(browser, server)
    drop(page, "large.png", bytes(1024**2 + 1))
    assert "more than 1 MiB, no film has; make it smaller" in page.inner_text("#problem")
    page.close()


@wide
def test_on_a_narrow_screen_all_is_in_sight(browser: Any, server: PageServer) -> None:
    page = opened(browser, server, width=360)
    for film in (png(), png(1, 400)):
        drop(page, f"{'long name ' * 12}.png", film)
        assert page.locator("html").evaluate("e => e.scrollWidth") == 360
        boxes = [page.locator(f"#figure-{key}").bounding_box() for key in ("champion", "baseline")]
        assert boxes[1]["y"] >= boxes[0]["y"] + boxes[0]["height"]  # One below the other.
        for control in page.locator("button:visible, input:visible").all():
            box = control.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    page.close()


@wide
def test_what_there_is_not_is_said_in_sight(browser: Any, models: list[Offered]) -> None:
    server = PageServer(models[1:], ["No champion: none was <b>promoted</b>."])
    page = opened(browser, server)
    assert page.inner_text("#notes") == "No champion: none was <b>promoted</b>."
    assert page.inner_text("#status") == "Ready: Baseline."
    page.close()
    server.stop()
