"""`export study`: tables and figures for a paper, each saying what it is; whole or not at all."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from evidence_factory import evidence
from large_study import large_evidence, large_study
from report_factory import study as made_up
from small_study import Ended

from spineseg.errors import ConfigError
from spineseg.evidence.results import StudySummary
from spineseg.report import exported
from spineseg.report.drawing import Stroke
from spineseg.report.exported import CAPTIONS_FILE, export_study
from spineseg.report.paper_figures import paper_figures, standalone
from spineseg.report.paper_table import PaperTable, latex_text
from spineseg.report.sections.learning import Key
from spineseg.study_record import StudyRecord
from study.compare import summarised

Shown = tuple[StudyRecord, StudySummary]
TABLES = ("confirmed", "metrics", "hyperparameters", "seeds", "runs")


@pytest.fixture(scope="module")
def shown(ended: Ended) -> Shown:
    """A study with one finalist on three fresh seeds, called synthetic."""
    study, summary = summarised(ended.config)
    return study, summary.model_copy(update={"synthetic": True})


@pytest.fixture(scope="module")
def folder(shown: Shown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export."""
    folder = tmp_path_factory.mktemp("export") / "paper"
    export_study(*shown, folder)
    return folder


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_confirmed_table_has_means_intervals_p_seeds_and_the_baseline(
    folder: Path, shown: Shown
) -> None:
    base, best = rows(folder, "confirmed")
    assert (base["configuration"], best["configuration"]) == ("baseline", "no-flips")
    summary = shown[1]
    effect = summary.evidence.arm("no-flips").effect("mask_map50_95")  # type: ignore[union-attr]
    for key, value in {
        "mean": effect.challenger,
        "baseline_mean": effect.baseline,
        "low_95": effect.low,
        "high_95": effect.high,
        "p_holm": effect.p_holm,
    }.items():
        assert float(best[key]) == value
    assert best["seeds"] == "1001 1002 1003" and best["trainings"] == "3"
    assert base["seeds"] == "1001 1002 1003 0" and float(base["mean"]) == effect.baseline
    assert best["changes"] == "fliplr 0" and best["verdict"] == effect.verdict


def test_every_setting_seed_and_run_is_told(folder: Path, shown: Shown) -> None:
    settings = {row["hyperparameter"]: row for row in rows(folder, "hyperparameters")}
    assert (settings["fliplr"]["baseline"], settings["fliplr"]["no-flips"]) == ("0.5", "0.0")
    assert settings["lr0"]["no-flips"] == "0.003" and "seed" not in settings
    told = {row["training"]: row["seed"] for row in rows(folder, "seeds")}
    assert told["no-flips-seed-2"] == "1002" and told["baseline"] == "0" and len(told) == 7
    names = [row["run"] for row in rows(folder, "runs")]
    assert names == [run.name for run in shown[0].runs] and len(names) == 9
    metrics = {row["metric"] for row in rows(folder, "metrics")}
    assert {"mask_map50", "right_level_rate", "whole_column_right_rate"} <= metrics


@pytest.mark.parametrize("name", TABLES)
def test_every_table_of_latex_and_markdown_is_whole(folder: Path, name: str) -> None:
    text = (folder / f"{name}.tex").read_text()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    assert text.count("{") == text.count("}") and "nan" not in text
    for word in (r"\toprule", r"\midrule", r"\bottomrule", rf"\label{{tab:{name}}}", r"\caption{"):
        assert text.count(word) == 1
    form = re.search(r"\\begin\{tabular\}\{(.+)\}\n", text)[1]  # type: ignore[index]
    columns = len(re.sub(r"p\{[^}]+\}", "p", form))
    assert ("p{" in form) == (name in ("confirmed", "runs"))  # Changes can be long.
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {columns}
    assert not re.search(r"(?<!\\)[%_#]", text.split("\n", 1)[1].replace("tab:", ""))
    markdown = (folder / f"{name}.md").read_text().splitlines()
    assert {line.count("|") for line in markdown} == {columns + 1}
    assert len(markdown) == len(lines) + 1 == len(rows(folder, name)) + 2


def test_what_latex_takes_for_a_command_is_escaped() -> None:
    assert latex_text(r"50 % of a_b & {c} \d ~ ^ # $") == (
        r"50 \% of a\_b \& \{c\} \textbackslash{}d \textasciitilde{} \textasciicircum{} \# \$"
    )
    assert latex_text("-0.03 to ±0.00, mAP50-95, p < 0.001, –") == (
        r"$-$0.03 to $\pm$0.00, mAP50-95, p $<$ 0.001, --"
    )


def test_an_unconfirmed_study_says_what_its_intervals_hold_and_nothing_of_finalists() -> None:
    for scores, noise, words in (
        ([0.3], None, "over patients alone: the baseline was trained once"),
        ([0.3, 0.31], None, "The baseline has two runs, too few to know the noise"),
    ):
        found = evidence(arms=[], seeds=0, baseline_scores=scores, noise_sd=noise)
        told = exported._forest_intervals(made_up(evidence=found))
        assert words in told and "(10,000" not in told and " 0 finalists" not in told
        assert "patients and seeds" not in told and "p not corrected" in told
    whole = exported._forest_intervals(made_up(evidence=evidence()))
    assert "Holm's correction for 2 finalists" in whole and "the baseline's 4 runs" in whole
    assert exported._intervals(made_up(evidence=None)) == ""


@pytest.mark.wide
def test_latex_compiles_the_tables(folder: Path, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here")
    long = PaperTable("long", "A long one.", ["a"], [[1]], ["a", "b"], [["x_1", "-0.5"]] * 60)
    many = "lr0 0.00123, mosaic 0.5, fliplr 0, mixup 0.3, close_mosaic_epochs 20, batch 8"
    head = ["run", "outcome", "seed", "changes", *["mask mAP50-95"] * 5, "epochs"]
    wide = PaperTable("wide", "It.", head, [], head, [["x", "y", "1", many, *["0.5"] * 6]] * 60)
    (tmp_path / "long.tex").write_text(long.latex("100 % of it, a_b <c> ± – & more."))
    (tmp_path / "wide.tex").write_text(wide.latex("As long and as wide as they get."))
    inputs = [*(folder / f"{name}.tex" for name in TABLES), *tmp_path.glob("*.tex")]
    (tmp_path / "all.tex").write_text(
        "\\documentclass[a4paper]{article}\n\\usepackage{booktabs,longtable}\n"
        "\\setlength{\\textwidth}{16cm}\n\\begin{document}\n"
        + "".join(f"\\input{{{path}}}\n" for path in inputs)
        + "\\end{document}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout, re.findall(r"Overfull .*", done.stdout)
    assert (tmp_path / "all.pdf").stat().st_size > 10_000


def test_every_figure_is_a_file_of_its_own_that_says_what_it_is(folder: Path) -> None:
    figures = sorted(folder.glob("*.svg"))
    names = {path.stem for path in figures}
    assert {
        "mask-map50-95-validation-over-the-epochs",
        "effect-of-each-variant-and-finalist-with-its-95-interval",
        "scores-of-each-configuration-s-trainings",
        "share-of-right-levels-along-the-spine",
        "confusion-matrix-of-no-flips",
    } <= names
    for path in figures:
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and root.get("width", "").endswith(
            "pt"
        )
        assert root[0].tag.endswith("title") and root[0].text
        assert root[-1].text.startswith("Study small, synthetic X-rays, data ")  # type: ignore[union-attr]
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        used = re.findall(r'(?:href="|url\()#([^")]+)', path.read_text())
        assert len(ids) == len(set(ids)) and set(used) <= set(ids)


def test_every_file_has_a_caption_with_study_data_date_version_and_intervals(
    folder: Path, shown: Shown
) -> None:
    text = (folder / CAPTIONS_FILE).read_text()
    files = {path.name for path in folder.iterdir()} - {CAPTIONS_FILE}
    assert set(re.findall(r"^- `(.+)`$", text, re.M)) == files
    captions = re.split(r"(?:^- `.+`\n)+", text, flags=re.M)[1:]
    study = shown[0]
    for caption in captions:
        assert f"Study small, data {study.manifest.fingerprint[:12]} (4 train, 4 valid," in caption
        assert "Synthetic X-rays: they say nothing of patients." in caption
        assert re.search(r"Trained \d{4}-\d\d-\d\d with spineseg 0\.\d", caption)
    assert "Intervals: 95 %, from jackknife pseudo-values, patients by trainings" in captions[0]
    assert "Holm's correction for 1 finalist" in captions[0]
    assert captions[0].strip().split("\n")[0] in (folder / "confirmed.tex").read_text().replace(
        "\\%", "%"
    )


def test_a_folder_that_holds_anything_is_refused_and_force_replaces_an_export_only(
    folder: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported, "paper_figures", lambda summary: [])
    study, summary = shown
    copy = shutil.copytree(folder, tmp_path / "paper")
    with pytest.raises(ConfigError, match=r"holds \d+ files already, as CAPTIONS.md; .* --force"):
        export_study(study, summary, copy)
    export_study(study, summary, copy, force=True)
    assert len(list(copy.iterdir())) == 16 and [p.name for p in tmp_path.iterdir()] == ["paper"]
    (copy / "thesis.docx").touch()
    with pytest.raises(ConfigError, match=r"holds thesis\.docx, which no export wrote"):
        export_study(study, summary, copy, force=True)
    with pytest.raises(ConfigError, match="is a file; name a folder"):
        export_study(study, summary, copy / "thesis.docx")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    assert CAPTIONS_FILE in export_study(study, summary, tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "empty" / CAPTIONS_FILE).exists()
    (tmp_path / "held" / "notes").mkdir(parents=True)
    with pytest.raises(ConfigError, match="holds 1 folder already, as notes; name"):
        export_study(study, summary, tmp_path / "held")


def test_the_folder_that_one_is_in_is_refused_before_anything_is_made(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    monkeypatch.setattr(exported, "_write_files", None)
    for out in (Path(), Path(".."), tmp_path / "in"):
        with pytest.raises(ConfigError, match="is the folder that this command runs in, or one"):
            export_study(*shown, out)
    with pytest.raises(ConfigError, match="is where a disk is mounted"):
        export_study(*shown, Path("/proc"))


def test_an_earlier_export_outlives_an_interrupted_force(
    folder: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported, "paper_figures", lambda summary: [])
    copy = shutil.copytree(folder, tmp_path / "paper")
    ended = subprocess.Popen(["true"])
    ended.wait()
    copy.replace(tmp_path / f".paper.{ended.pid}.part.old")  # Killed between the two steps.
    with pytest.raises(ConfigError, match=r"holds \d+ files already"):
        export_study(*shown, copy)
    assert (copy / CAPTIONS_FILE).exists()
    shutil.copytree(copy, tmp_path / f".paper.{ended.pid}.part.old")  # Killed after them.
    export_study(*shown, copy, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["paper"]


def test_what_goes_wrong_on_the_way_leaves_nothing(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise OSError("disk")

    monkeypatch.setattr(exported, "_captions_page", broken)
    monkeypatch.setattr(exported, "paper_figures", lambda summary: [])
    with pytest.raises(OSError, match="disk"):
        export_study(*shown, tmp_path / "paper")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wide
def test_a_study_of_the_real_size_has_all_figures_and_both_parts() -> None:
    figures = paper_figures(large_study(**large_evidence()))
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names)) >= 14
    assert {"mask-map50-95-over-lr0", "importance-of-the-searched-parameters"} <= set(names)
    assert [key.name for key in figures[0].legend][:2] == ["baseline", "upright (best)"]
    for figure in figures:
        assert ElementTree.fromstring(figure.file("a <line> & more"))[-1].text == "a <line> & more"


def test_a_line_below_a_figure_takes_room_of_its_own() -> None:
    root = ElementTree.fromstring(
        standalone('<svg style="width:9px" viewBox="0 0 40 30"><title>It</title></svg>', "line")
    )
    assert root.get("viewBox") == "0 0 40 44" and root.get("height") == "44pt"
    assert "style" not in root.attrib
    keys = [Key("a", Stroke("#000", marker="D")), Key("b & c", Stroke("#f00", 1, (2, 1), "o"))]
    keys.append(Key("pruned", Stroke("#00f"), "×"))
    drawn = standalone('<svg viewBox="0 0 220 30"/>', "line", keys)
    keyed = ElementTree.fromstring(drawn)
    assert keyed.get("viewBox") == "0 0 220 66"  # Two names a row.
    assert [each.text for each in keyed if each.tag.endswith("text")] == [
        *("a", "b & c", "×", "pruned", "line")
    ]
    assert b'stroke-dasharray="2 1"' in drawn and b"rotate(45" in drawn and b"<circle" in drawn
