"""The audit's page: what it claims, what went in, and that it stands alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from exports import write_export
from merged_data import prepare
from page_words import words_of
from planted_findings import RECALL, account, patients

from spineseg.data.account import PatientAccount
from spineseg.data.audit import Audit, Finding, load_audit
from spineseg.data.description import described
from spineseg.data.manifest import Dataset
from spineseg.report.audit import write_audit
from spineseg.report.audit_claim import Sight


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("page")
    return prepare(folder, write_export(folder / "x", {"train": 6, "valid": 3}))


def page_of(
    dataset: Dataset, folder: Path, audit: Audit | None = None, recall: Sight | None = None
) -> str:
    write_audit(dataset, audit or load_audit(dataset), folder / "audit.html", recall)
    return (folder / "audit.html").read_text(encoding="utf-8")


def with_patients(dataset: Dataset, of: PatientAccount) -> Audit:
    return load_audit(dataset).model_copy(update={"account": account(of)})


def top_of(html: str) -> str:
    return words_of(html[html.index("<header>") : html.index("</header>")])


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (patients(0, 9), r"data.patient_pattern '-(\d+)-AP' matches none of the 9 file names"),
        (patients(6, 3), r"data.patient_pattern '-(\d+)-AP' tells the patient of 6 of the 9 films"),
        (patients(0, 9, pattern=None), "no data.patient_pattern is set, and each of the 9 films"),
    ],
)
def test_where_patients_are_not_known_the_page_says_so_first(
    dataset: Dataset, tmp_path: Path, of: PatientAccount, said: str
) -> None:
    audit = with_patients(dataset, of)
    top = top_of(page_of(dataset, tmp_path, audit))
    assert said in top and "films of one patient can lie in several parts unseen" in top
    assert "No patient lies in two parts" not in top and "one patient." not in top
    text = described(dataset, Path("p"), ()).model_copy(update={"account": audit.account}).text()
    assert f"NOTE: {said}" in text


def test_where_all_patients_are_told_the_page_says_by_what(
    dataset: Dataset, tmp_path: Path
) -> None:
    top = top_of(page_of(dataset, tmp_path, with_patients(dataset, patients(9, 0))))
    said = (
        r"No patient lies in two parts: 9 patients, all told by data.patient_pattern '-(\d+)-AP'."
    )
    assert said in top
    assert "by their names and one patient." in top


def test_patients_on_two_sides_are_not_denied(dataset: Dataset, tmp_path: Path) -> None:
    audit = with_patients(dataset, patients(9, 0))
    leak = Finding(kind="shared-patients", severity="leak", films=(), detail="patient 1 ...")
    top = top_of(page_of(dataset, tmp_path, audit.model_copy(update={"findings": (leak,)})))
    assert "The parts leak: shared-patients (1)." in top and "No patient" not in top


def test_the_claim_goes_no_further_than_what_was_measured(dataset: Dataset, tmp_path: Path) -> None:
    html = page_of(dataset, tmp_path, recall=RECALL)
    assert "Of 140 copies planted to measure the search, 131 were found (93.6%)" in top_of(html)
    words = words_of(html)
    assert "missed in part: cropped by 10 %." in words
    assert "Of 2 kinds of copy 1 were found wholly; these were not" in words
    assert "kind of copy phantoms radiographs cropped by 10 % 31 of 40 – All kinds" in words
    assert "exact 40 of 40 60 of 60 cropped by 10 % 31 of 40 –" in words
    assert "2 pairs of 1000 distinct phantoms. Measured 2026-11-25 on 2 cores." in words
    rows = [RECALL.rows[1].model_copy(update={"kind": f"turned by {n}°"}) for n in range(1, 5)]
    many = RECALL.model_copy(update={"rows": (RECALL.rows[0], *rows)})
    top = top_of(page_of(dataset, tmp_path, recall=many))
    assert "missed in part: 4 of 5 kinds, see below" in top and "turned" not in top


def test_without_a_measured_recall_nothing_is_claimed_of_it(
    dataset: Dataset, tmp_path: Path
) -> None:
    html = page_of(dataset, tmp_path)
    assert "What the search for copies can see" not in html and "planted" not in html
    assert "A copy that is altered beyond what the search was measured on is not seen" in html


def test_the_account_says_what_became_of_every_file(dataset: Dataset, tmp_path: Path) -> None:
    audit = with_patients(dataset, patients(6, 3))
    words = words_of(page_of(dataset, tmp_path, audit))
    shown = described(dataset, Path("p"), ()).model_copy(update={"account": audit.account})
    assert "mine YOLO, a folder a part 14 9 3 2 8 7 5" in words
    for said in (
        "converted: 3 films: DICOM to PNG",
        "without labels: 2 films",
        "left out: 5 files: no film of that name (a.txt, ...)",
        "class_map entries that no label has: D1",
        "class dropped: sacrum, 12 labels",
    ):
        assert said in words and said in shown.text()
    assert "films 14 seen, 9 used; label files 8 seen, 7 used" in shown.text()
    assert "film-162-AP.jpg → 162" in words


def test_no_patient_is_shown_whom_file_names_do_not_say(dataset: Dataset, tmp_path: Path) -> None:
    hidden = patients(9, 0, pattern=None).model_copy(
        update={"told_by": "DICOM PatientID", "examples_told": {"1.dcm": "DOE^JANE"}}
    )
    audit = with_patients(dataset, hidden)
    assert "DOE" not in page_of(dataset, tmp_path, audit)
    kept = tmp_path / "data"
    kept.mkdir()
    (kept / "audit.json").write_text(audit.model_dump_json())
    shown = described(Dataset(kept, dataset.manifest), Path("p"), ())
    assert shown.account is not None and "1.dcm is of (not shown)" in shown.text()
    assert "DOE" not in shown.text() + shown.model_dump_json()


def test_a_kind_of_finding_that_has_no_words_yet_is_drawn(dataset: Dataset, tmp_path: Path) -> None:
    name = dataset.manifest.entries[0].name
    odd = Finding(kind="brand-new", severity="doubt", films=(name,), detail="odd", labels=(1,))
    audit = load_audit(dataset).model_copy(update={"findings": (odd,)})
    html = page_of(dataset, tmp_path, audit)
    assert 'id="brand-new"' in html and html.count('src="data:image/jpeg') == 1


def test_the_page_needs_no_network_and_draws_the_balance(dataset: Dataset, tmp_path: Path) -> None:
    name = dataset.manifest.entries[0].name
    odd = Finding(kind="outside-column", severity="doubt", films=(name,), detail="odd")
    audit = with_patients(dataset, patients(6, 3)).model_copy(update={"findings": (odd,)})
    html = page_of(dataset, tmp_path, audit, RECALL)
    assert not re.search(r"https?:|\b(src|href)=\"(?!data:|#)|url\((?!#)|@import", html)
    assert html.count("<svg") == 4 and "None" not in words_of(html)
    assert "<dialog" in html and html.count('class="zoom"') == 1
