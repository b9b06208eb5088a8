"""Habits of the code base that no linter knows."""

import ast
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tidings"
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in SOURCE.rglob("*.py"))
PYTHON_FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("src", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
MAX_LINES = 500
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
# Packages whose __init__.py may hold constants: the table of dialects is read there by whoever adds one.
TABLES = {"src/tidings/dialects/__init__.py"}
REGISTRIES = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|proxy\.golang\.org|static\.crates\.io)\b"
    r"|--(?:extra-)?index-url|--find[-]links"
)
HOMES = re.compile(r"(?<![\w.])/(?:home|Users)/(?!user\b|alice\b|bob\b|vagrant\b)[a-z][\w-]*/")


def tracked_files() -> list[Path]:
    """Return the files that are, or would be, in the repository; all there are where there is no repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return [ROOT / name for name in PYTHON_FILES]
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def own_paths() -> set[str]:
    """Return the absolute paths of this checkout and what lies beside it, as they'd look in a careless file."""
    beside = ROOT.parent
    if beside in (Path("/"), Path(tempfile.gettempdir()), Path.home()):
        return {f"{ROOT}/"}
    return {f"{path}/" for path in beside.iterdir() if path.is_dir()}


def text_of(path: Path) -> str:
    """Return a file's text, or nothing for a binary one."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the module, its public classes and functions, and the public methods of these classes."""
    yield "the module", tree
    pending: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    while pending:
        prefix, holder = pending.pop()
        for node in holder.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if any(
                ast.unparse(decorator) in ("overload", "override") or ast.unparse(decorator).endswith(".setter")
                for decorator in node.decorator_list
            ):
                continue
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node))


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_no_module_is_longer_than_a_reader_bears(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES, f"{name} has {lines} lines; split it by idea"


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_no_module_is_called_after_nothing(name: str) -> None:
    parts = {part.strip("_").lower() for part in Path(name).with_suffix("").parts}
    assert not parts & NAMELESS, f"{name}: name the thing that is in it"


@pytest.mark.parametrize("name", [name for name in MODULES if name.endswith("__init__.py")])
def test_a_package_file_holds_nothing_but_imports_and_their_list(name: str) -> None:
    first, *rest = ast.parse((ROOT / name).read_text(encoding="utf-8")).body
    assert isinstance(first, ast.Expr)
    for node in rest:
        match node:
            case ast.Import() | ast.ImportFrom():
                continue
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                continue
            case ast.Assign() | ast.AnnAssign() | ast.Expr(value=ast.Constant()) if name in TABLES:
                continue
        pytest.fail(f"{name}, line {node.lineno}: put this into a module of the package")


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_says_what_it_is_for(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    silent = [
        label
        for label, node in public_definitions(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not ast.get_docstring(node)
    ]
    assert silent == [], f"{name}: without docstring"


def test_no_file_names_a_place_on_the_machine_it_was_written_on() -> None:
    own = own_paths()
    found: list[str] = []
    for path in tracked_files():
        text = text_of(path)
        hits = [*HOMES.findall(text), *(place for place in own if place in text)]
        found.extend(f"{path.relative_to(ROOT)}: {hit}" for hit in hits)
    assert found == []


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit}" for path in tracked_files() for hit in REGISTRIES.findall(text_of(path))
    ]
    assert found == []


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)]
    assert wrong == []
    assert "tidings" not in {line.partition("==")[0] for line in lines}
