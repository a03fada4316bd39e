"""What a study's name stands for: on record, a config, both, two, or nothing; one line each."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_folders import make_job

from spineseg.config.named import Named, named_study
from spineseg.config.recorded import Origin, config_text
from spineseg.config.yaml_files import load_data, load_store, load_study
from spineseg.errors import ConfigError
from spineseg.places import StudyPlaces

MLRUNS = Path("mlruns")
TEXT = (
    "name: {}\ndata: {{sources: [{{kind: local, path: films}}]}}\n"
    "baseline: {{optimizer: AdamW}}\nsearch: {{seed: {}}}\n"
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder to work in."""
    monkeypatch.chdir(tmp_path)
    Path("configs/studies").mkdir(parents=True)
    return tmp_path


def config(file: str, name: str, seed: int = 0) -> Path:
    path = Path("configs/studies", file)
    path.write_text(TEXT.format(name, seed))
    return path


def on_record(name: str, seed: int = 0, root: Path = MLRUNS) -> Path:
    """Put a study on record as a run leaves it, and return its config there."""
    source = root.parent / f"{name}-source.yaml"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(TEXT.format(name, seed))
    places = StudyPlaces(root, name)
    places.folder.mkdir(parents=True)
    origin = Origin(
        written="now", version="0", command="c", folder=Path.cwd(), config=str(source), left_out=()
    )
    places.config.write_text(config_text(load_study(source), origin))
    return places.config


def refused(name: str, *sets: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_study(Path(name), sets)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_name_is_the_study_on_record_before_it_is_a_config() -> None:
    config("phantom.yaml", "phantom", seed=1)
    assert load_study(Path("phantom")).search.seed == 1
    on_record("phantom", seed=2)
    assert load_study(Path("phantom")).search.seed == 2
    assert load_study(Path("configs/studies/phantom.yaml")).search.seed == 1
    assert load_study(Path("phantom"), ["search.seed=3"]).search.seed == 3


def test_a_file_or_folder_that_is_there_comes_before_a_name() -> None:
    record = on_record("small", seed=2)
    Path("small").write_text(TEXT.format("other", 5))
    assert load_study(Path("small")).name == "other"
    Path("small").unlink()
    Path("small").mkdir()  # A folder that is no study's hides none.
    assert load_study(Path("small")).search.seed == 2
    assert load_study(record.parent).search.seed == load_study(record).search.seed == 2


def test_a_config_is_found_by_the_name_that_it_gives_its_study() -> None:
    path = config("a.yaml", "mine")
    assert named_study(Path("mine"), MLRUNS) == Named(path)
    assert load_study(Path("a")).name == "mine"  # By its file's name, too.
    assert load_data(Path("mine")).sources[0].kind == "local"


def test_records_lie_where_the_folder_is_and_not_where_it_was(here: Path) -> None:
    record = on_record("small", root=Path("elsewhere/mlruns"))
    there = here / "copied"
    (there / "work" / "studies").mkdir(parents=True)
    record.parent.rename(there / "work" / "studies" / "small")
    by_name = load_study(Path("small"), [f"store.root={there}"])
    assert by_name.store.root == there
    file = there / "work" / "studies" / "small" / "study.yaml"
    assert load_study(file).store.root == load_store(file).root == there
    assert load_store(Path("small"), ["store.root=copied"]).root == Path("copied")


def test_paths_that_were_relative_are_found_from_another_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("films").mkdir()
    on_record("small")
    assert load_data(Path("small")).sources[0].path == Path("films")  # type: ignore[union-attr]
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    found = load_data(Path("small"), ["store.root=../mlruns"]).sources[0]
    assert found.path == here / "films"  # type: ignore[union-attr]


def test_a_name_of_two_studies_is_refused_with_both_files() -> None:
    record = on_record("local")
    config("local.yaml", "my-films")
    said = refused("local")
    assert "describes study 'my-films'" in said and str(record) in said
    assert "configs/studies/local.yaml" in said and "name the file that you mean" in said


def test_two_configs_of_one_name_are_refused_while_none_is_on_record() -> None:
    config("a.yaml", "mine")
    config("b.yaml", "mine")
    said = refused("mine")
    assert "configs/studies/a.yaml and configs/studies/b.yaml can be meant" in said
    assert "give each study its own name" in said
    config("mine.yaml", "another")
    assert "mine.yaml and configs/studies/a.yaml and" in refused("mine")
    on_record("mine", seed=4)
    Path("configs/studies/mine.yaml").unlink()
    assert load_study(Path("mine")).search.seed == 4


def test_an_unknown_name_is_answered_with_near_ones_and_those_on_record() -> None:
    config("spine.yaml", "spine")
    on_record("small")
    said = refused("smal")
    assert "did you mean small?" in said and "on record: small" in said and "spine" in said
    assert "no study on record in elsewhere" in refused("small", "store.root=elsewhere")
    assert "no such file" in refused("gone.yaml")


def test_runs_of_an_earlier_version_want_their_file() -> None:
    make_job().write(StudyPlaces(MLRUNS, "small").folder / "000-baseline")
    assert "without their config" in refused("small") and "name the study's own" in refused("small")


def test_a_folder_that_was_renamed_is_told() -> None:
    folder = on_record("small").parent
    folder.rename(folder.with_name("other"))
    assert "is the config of study 'small'; give its folder that name" in refused("other")
