"""The house keeps its measures: small rooms, short chains, one way through, no back doors."""

from __future__ import annotations

import statistics
from functools import cache
from pathlib import Path

import grimp
import pytest

from spineseg.tracking.model_package import CODE

ROOT = Path(__file__).parents[1]
MOST_LINES = 300
MOST_MEDIAN = 131
LONGEST_CHAIN = 11
MOST_IN_STUDY = 2400


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import of the project, those inside functions too."""
    return grimp.build_graph("study", "spineseg", cache_dir=None)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("folder", ["src", "study", "tests", "benchmarks"])
def test_no_file_is_longer_than_one_can_keep_in_mind(folder: str) -> None:
    long = {str(p.relative_to(ROOT)): lines(p) for p in sources(folder) if lines(p) > MOST_LINES}
    assert long == {}


def test_most_modules_are_short() -> None:
    assert statistics.median(map(lines, sources("src", "study"))) <= MOST_MEDIAN


def test_the_driver_stays_small() -> None:
    assert sum(map(lines, sources("study"))) <= MOST_IN_STUDY


def test_no_chain_of_imports_is_longer_than_eleven_modules(graph: grimp.ImportGraph) -> None:
    @cache
    def longest(module: str) -> tuple[str, ...]:
        below = (longest(m) for m in graph.find_modules_directly_imported_by(module))
        return (module, *max(below, key=len, default=()))

    chain = max(map(longest, graph.modules), key=len)
    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_no_module_imports_itself_by_way_of_others(graph: grimp.ImportGraph) -> None:
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            back = graph.find_shortest_chain(imported, module)
            assert back is None, f"{module} -> {' -> '.join(back)}"


def test_a_registered_model_carries_all_that_its_code_imports(graph: grimp.ImportGraph) -> None:
    names = {f"spineseg/{name}".removesuffix(".py").replace("/", ".") for name in CODE}
    names = {name.removesuffix(".__init__") for name in names}
    carried = {
        module
        for module in graph.modules
        if module in names
        or f"{module}.".startswith(("spineseg.decoding.", "spineseg.prediction."))
    }
    needed = {i for m in carried for i in graph.find_modules_directly_imported_by(m)}
    needed |= graph.find_modules_directly_imported_by("spineseg.tracking.flavor")
    assert needed - carried == set()


def test_rooms_do_not_import_each_other_both_ways(graph: grimp.ImportGraph) -> None:
    rooms = {".".join(module.split(".")[:2]) for module in graph.modules}
    both = {
        (one, other)
        for one in rooms
        for other in rooms
        if one < other and one != "spineseg" and not other.startswith(f"{one}.")
        if _imports(graph, one, other) and _imports(graph, other, one)
    }
    assert {pair for pair in both if not any(room.startswith("study") for room in pair)} == set()


def _imports(graph: grimp.ImportGraph, one: str, other: str) -> bool:
    return any(
        imported == other or imported.startswith(f"{other}.")
        for module in graph.modules
        if module == one or module.startswith(f"{one}.")
        for imported in graph.find_modules_directly_imported_by(module)
    )


def test_a_section_of_the_report_lies_beside_its_template() -> None:
    sections = ROOT / "src" / "spineseg" / "report" / "sections"
    code = {path.stem for path in sections.glob("*.py")} - {"__init__"}
    assert code == {path.stem for path in sections.glob("*.j2")} and len(code) > 8
