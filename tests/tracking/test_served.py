"""The champion behind MLflow's scoring server: real requests, and a file nobody may have opened."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from mixed_films import bomb, mixed_films, png
from registry_cases import fresh_store
from served_model import ServedModel, promoted

from spineseg.chosen_model import Asked
from spineseg.inference.predict import predict_films
from spineseg.tracking.store import TrackingStore

wide = pytest.mark.wide
DOC = Path(__file__).parents[2] / "docs" / "serving.md"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, empty_stores: Path) -> TrackingStore:
    """A store with a champion that was registered whole."""
    store = fresh_store(tmp_path_factory.mktemp("serve") / "mlruns", empty_stores)
    assert promoted(store) == "1"
    return store


@pytest.fixture(scope="module")
def served(store: TrackingStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedModel]:
    """It, served."""
    server = ServedModel(store, tmp_path_factory.mktemp("serve"))
    yield server
    server.stop()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


FORMS = {
    "dataframe_split": lambda v: {"dataframe_split": {"columns": ["image"], "data": [[v]]}},
    "dataframe_records": lambda v: {"dataframe_records": [{"image": v}]},
    "instances": lambda v: {"instances": [{"image": v}]},
    "bare instances": lambda v: {"instances": [v]},
    "inputs": lambda v: {"inputs": {"image": [v]}},
    "bare inputs": lambda v: {"inputs": [v]},
    "records in inputs": lambda v: {"inputs": [{"image": v}]},
}


@wide
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_json_is_answered(served: ServedModel, form: str) -> None:
    status, answer = served.post(json.dumps(FORMS[form](text(png()))).encode())
    assert status == 200, answer
    (row,) = json.loads(answer)["predictions"]
    assert (row["model"], row["error"]) == ("spine-vertebrae version 1", "")
    assert row["vertebrae"] == served.rows(png())[0]["vertebrae"]


def bodies(path: str) -> Iterator[tuple[bytes, str]]:
    """Yield every request that could name a file on the server, in every form."""
    for named in (path, f"file://{path}", text(path.encode())):
        for form in FORMS.values():
            yield json.dumps(form(named)).encode(), "application/json"
            yield json.dumps(form({"path": named})).encode(), "application/json"
        for key in ("prompt", "messages", "input"):  # MLflow hands such requests on unread.
            yield json.dumps({key: named, "image": named}).encode(), "application/json"
        params = FORMS["inputs"]("") | {"params": {"image": named, "confidence": 0.25}}
        yield json.dumps(params).encode(), "application/json"
        yield f"image\n{named}\n".encode(), "text/csv"
        for value in (named, named.encode()):
            out = io.BytesIO()
            pd.DataFrame({"image": [value]}).to_parquet(out)
            yield out.getvalue(), "application/vnd.apache.parquet"


@wide
def test_no_request_has_a_file_on_the_server_opened(served: ServedModel, tmp_path: Path) -> None:
    """A film is planted there: whatever outlines come back would be its own."""
    planted = tmp_path / "planted.png"
    planted.write_bytes(png())
    asked = list(bodies(str(planted)))
    assert len(asked) > 50
    for body, kind in asked:
        status, answer = served.post(body, kind)
        assert status in (200, 400), answer
        if status == 200:
            rows = json.loads(answer)
            (row,) = rows["predictions"] if isinstance(rows, dict) else rows
            assert row["error"] and row["vertebrae"] == "[]", (body, answer)
    assert served.rows(png())[0]["error"] == ""


@wide
def test_parquet_may_hold_the_bytes_themselves(served: ServedModel) -> None:
    out = io.BytesIO()
    pd.DataFrame({"image": [png()]}).to_parquet(out)
    status, answer = served.post(out.getvalue(), "application/vnd.apache.parquet")
    assert status == 200 and json.loads(answer)["predictions"][0]["error"] == ""


@wide
def test_damage_is_told_and_the_server_lives_on(served: ServedModel) -> None:
    rows = served.rows(png(), b"", bomb(), png()[:2000], png())
    assert [bool(row["error"]) for row in rows] == [False, True, True, True, False]
    assert "20000x20000 px, more than 100 million pixels" in rows[2]["error"]
    assert (rows[1]["width"], rows[0]["width"], rows[0]["synthetic"]) == (None, 224, True)
    for body in (b"", b"{", b"[]", b'{"inputs": null}', b'{"dataframe_split": 7}', b"\xff"):
        assert served.post(body)[0] == 400
    assert served.post(json.dumps(FORMS["inputs"]("=x=")).encode())[0] in (200, 400)
    assert served.post(b"x", "text/plain")[0] == 415
    assert served.rows(png(), confidence=0.998)[0]["vertebrae"] != "[]"


@wide
def test_eight_clients_at_once_have_the_answers_of_one(served: ServedModel) -> None:
    films = [png(number) for number in range(2)]
    alone = [served.rows(film)[0]["vertebrae"] for film in films]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: served.rows(films[n % 2])[0]["vertebrae"], range(16)))
    assert together == alone * 8


@wide
def test_command_library_and_server_agree_to_the_pixel_on_20_films(
    store: TrackingStore, served: ServedModel, tmp_path: Path
) -> None:
    import mlflow

    films = mixed_films(20)
    paths = [tmp_path / f"{number:02}{suffix}" for number, (suffix, _) in enumerate(films)]
    for path, (_, content) in zip(paths, films, strict=True):
        path.write_bytes(content)
    asked = Asked(model="spine-vertebrae", store=str(store.root))
    command: list[dict] = []
    predict_films(paths, asked, out=tmp_path / "out", each=lambda step: command.append(step.answer))
    loaded = mlflow.pyfunc.load_model("models:/spine-vertebrae@champion")
    library = loaded.predict(pd.DataFrame({"image": [content for _, content in films]}))
    by_path = loaded.predict(pd.DataFrame({"image": paths}))
    server = served.rows(*[content for _, content in films])
    assert sum(len(answer["vertebrae"]) for answer in command) > 120
    for number, answer in enumerate(command):
        wanted = (answer["width"], answer["height"], answer["spacing"], answer["vertebrae"])
        for row in (library.loc[number], by_path.loc[number], server[number]):
            found = (json.loads(row["spacing"]), json.loads(row["vertebrae"]))
            assert (row["width"], row["height"], *found) == wanted


@wide
def test_the_line_of_the_documentation_works_as_it_is_written(
    served: ServedModel, tmp_path: Path
) -> None:
    (tmp_path / "film.png").write_bytes(png())
    block = next(b for b in DOC.read_text().split("```")[1::2] if "curl" in b)
    line = block.partition("\n")[2]
    assert "127.0.0.1:5001" in line
    done = subprocess.run(
        ["bash", "-c", line.replace(":5001", f":{served.port}")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    (row,) = json.loads(done.stdout)["predictions"]
    assert json.loads(row["vertebrae"])[0]["level"] and row["error"] == ""
