"""What an installation downloads is asked of the index that the user has."""

from pathlib import Path

import pytest
from fake_wheels import fake_wheel, index_of

from spineseg.installing.__main__ import size_told
from spineseg.installing.downloads import Sources, Wanted, pip_sources, sizes, wanted_packages

BIG, SMALL = Wanted("a-big-one", "1.0+cpu"), Wanted("small", "2.0")
GUESS = 3.6


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    fake_wheel(tmp_path / "wheels", "a_big_one", "1.0+cpu", 3_000_000)
    fake_wheel(tmp_path / "wheels", "a_big_one", "1.0", 7_000_000)
    fake_wheel(tmp_path / "wheels", "small", "2.0", 1_000)
    return tmp_path / "wheels"


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
def test_sizes_are_those_of_the_versions_asked_for(wheels: Path, as_json: bool) -> None:
    with index_of(wheels, as_json=as_json) as url:
        found = sizes([BIG, SMALL, Wanted("absent", "1.0")], Sources((url,)))
    assert set(found) == {BIG, SMALL}
    assert 3_000_000 < (found[BIG].size or 0) < 3_010_000 and not found[BIG].here


def test_what_lies_on_this_machine_is_no_download(wheels: Path) -> None:
    found = sizes([BIG], Sources(("http://127.0.0.1:9/simple",), (str(wheels),)))
    assert found[BIG].here


def test_an_index_that_does_not_answer_is_no_error() -> None:
    assert sizes([BIG], Sources(("http://127.0.0.1:9/simple",))) == {}


def test_only_what_this_system_needs_and_lacks_is_wanted() -> None:
    text = "small==2.0\nother==1 ; sys_platform == 'nowhere'\nclick==8.5.1\nlarge===3.0\n"
    names = {one.name for one in wanted_packages(text)}
    assert {"small", "large"} <= names and "other" not in names
    assert wanted_packages(f"pip=={pytest.importorskip('pip').__version__}\n") == []


def test_pips_own_configuration_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url =\n  https://b\n  https://c\n"
    )
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    found = pip_sources().indexes
    assert found[0] == "https://a/simple" and {"https://b", "https://c"} <= set(found)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine/simple")
    assert pip_sources().indexes[0] == "https://mine/simple"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return what is said of a requirements file where pip looks at one index alone."""

    def say(text: str, url: str) -> str:
        monkeypatch.setattr("spineseg.installing.__main__.pip_sources", lambda: Sources((url,)))
        return size_told(text, GUESS, tmp_path)

    return say


def test_the_size_is_said_and_what_is_unknown_counted(wheels: Path, told) -> None:
    fake_wheel(wheels, "torch", "9.0", 4_000_000)
    with index_of(wheels, as_json=True) as url:
        said = told("torch==9.0\nsmall==2.0\nabsent==1.0\n", url)
    assert said.startswith("downloads about 4 MB (torch and what it brings along 4 MB; without")
    assert "without 1 packages" in said and "takes about 8 MB in .venv" in said


def test_a_guess_is_called_one(told) -> None:
    said = told("torch==9.0\nsmall==2.0\n", "http://127.0.0.1:9/simple")
    assert "3.6 GB (guessed: the index told the sizes of 0 of 2 packages)" in said


def test_a_disk_that_is_too_small_is_said(told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    said = told("torch==9.0\nsmall==2.0\n", "http://127.0.0.1:9/simple")
    assert "1.0 GB are free: TOO LITTLE" in said


def test_pips_inner_parts_may_be_gone(told, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> None:
        raise ModuleNotFoundError("pip._vendor.packaging")

    monkeypatch.setattr("spineseg.installing.downloads._of_pip", gone)
    assert "guessed; not asked for: ModuleNotFoundError" in told("torch==9.0\n", "http://x")
