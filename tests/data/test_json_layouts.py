"""Unusual COCO, labelme and Label Studio exports: the right dataset, or what to do in one line."""

from __future__ import annotations

from pathlib import Path

import coco_cases
import labelme_cases
import pytest
import studio_cases
from good_ends import check_end

CASES = coco_cases.CASES | labelme_cases.CASES | studio_cases.CASES


@pytest.mark.parametrize("name", CASES)
def test_an_unusual_export_ends_as_it_must(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    folder = tmp_path / "export"
    folder.mkdir()
    case.make(folder)
    check_end(tmp_path, folder / case.place, case.end, case.films(), merge=case.merge)
