"""Unusual YOLO exports: the right dataset, or one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yolo_cases
import yolo_yaml_cases
from good_ends import check_end

CASES = yolo_cases.CASES | yolo_yaml_cases.CASES


@pytest.mark.parametrize("name", CASES)
def test_an_unusual_export_ends_as_it_must(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    folder = tmp_path / "export"
    folder.mkdir()
    case.make(folder)
    check_end(tmp_path, folder / case.place, case.end, case.films(), merge=case.merge)
