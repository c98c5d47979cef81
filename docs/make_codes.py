"""Writes `codes.md`, the table of every code of a refusal or finding, from the calls in `petproc/` that give them.

    python docs/make_codes.py

A code is a literal string at the call. A call that hands on a code that arose elsewhere (`bad.code`, `**content`) adds
none, and neither does the helper of a module that gets its code as an argument: there the helper's calls count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "petproc"
PAGE = ROOT / "docs/codes.md"

FIELDS = {
    "Refusal": ("code", "message", "remedy"),
    "Unknown": ("quantity", "code", "message", "remedy"),
    "Finding": ("code", "message", "severity"),
    "FindingRow": ("subject", "code", "severity", "message"),
    "BadFile": ("code", "message"),
}
"""Positional arguments of the calls; `reason` as a keyword is a message too."""
KINDS = {
    "Refusal": "refusal",
    "Unknown": "refusal",
    "Finding": "finding",
    "FindingRow": "finding",
    "BadFile": "bad file",
}
WITH_REMEDY = ("Refusal", "Unknown")
VARIES = "..."
HEAD = """# Codes

Every refusal and finding has a code that stays the same from version to version. This table is made from the code by
`make docs`; `...` stands for what varies.

- **refusal**: something is not measured; the row or file says so in place of a number. The remedy is what you can do.
- **finding**: something was noticed and measuring went on.
- **bad file**: one file of a delivery cannot be used; it becomes a finding of the inventory or part of a refusal.

| code | kind | stage | what it says | remedy |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Use:
    """One call that gives a code. `code` is None where it is not a literal."""

    place: str
    call: str
    code: str | None
    stage: str
    message: str
    remedy: str

    @property
    def kind(self) -> str:
        return KINDS[self.call]


def uses(package: Path = PACKAGE) -> list[Use]:
    """Every use of a code, in the order of files and lines."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    constants = _constants(trees.values())
    found: list[Use] = []
    for path, tree in trees.items():
        relative = path.relative_to(package)
        stage = relative.parts[0].removesuffix(".py")
        found += (
            _use(call, name, f"{relative}:{call.lineno}", stage)
            for call, name in _calls(tree, {**constants, **_constants([tree])})
        )
    return found


def _constants(trees: Iterable[ast.Module]) -> dict[str, ast.expr]:
    """Texts that a module holds under a name in capitals, where no other module means something else by that name."""
    held: dict[str, list[ast.expr]] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
                held.setdefault(node.targets[0].id, []).append(node.value)
    return {name: values[0] for name, values in held.items() if len({ast.unparse(value) for value in values}) == 1}


def _calls(tree: ast.Module, constants: Mapping[str, ast.expr]) -> Iterator[tuple[ast.Call, str]]:
    """Calls that give a code, their arguments in words where a helper, variable or constant holds them."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    phrases = _phrases(functions)
    inside = {id(node): function for function in functions for node in ast.walk(function)}
    everything = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(everything, key=lambda node: node.lineno):
        name = _name(call)
        if name not in FIELDS:
            continue
        function = inside.get(id(call))
        code = _argument(call, name, "code")
        if code is None or (isinstance(code, ast.Attribute) and code.attr == "code"):
            continue
        known = {**constants, **(_assigned(function, before=call.lineno) if function else {})}
        if function and isinstance(code, ast.Name) and code.id in (names := _parameters(function)):
            for outer in (other for other in everything if _name(other) == function.name):
                given = dict(zip(names, outer.args, strict=False))
                given |= {word.arg: word.value for word in outer.keywords if word.arg}
                yield _filled(call, {**known, **given}, phrases), name
        else:
            yield _filled(call, known, phrases), name


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _parameters(function: ast.FunctionDef) -> list[str]:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return names[1:] if names[:1] == ["self"] else names


def _argument(call: ast.Call, name: str, field: str) -> ast.expr | None:
    """The argument by its place or keyword; None where it comes in by `*` or `**`."""
    fields = FIELDS[name]
    place = fields.index(field) if field in fields else len(call.args)
    if place < len(call.args) and not any(isinstance(one, ast.Starred) for one in call.args):
        return call.args[place]
    words = (field, "reason") if field == "message" else (field,)
    return next((one.value for one in call.keywords if one.arg in words), None)


def _assigned(function: ast.FunctionDef, *, before: int) -> dict[str, ast.expr]:
    """What the function's variables hold, by their last assignment above a line."""
    known: dict[str, ast.expr] = {}
    lines = sorted((node for node in ast.walk(function) if isinstance(node, ast.Assign)), key=lambda node: node.lineno)
    for node in lines:
        if node.lineno < before and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = node.value
    return known


class _Fill(ast.NodeTransformer):
    """Names become the words that they hold; so do calls of functions that do nothing but put words together."""

    def __init__(self, known: Mapping[str, ast.expr], phrases: Mapping[str, ast.FunctionDef]) -> None:
        self.known, self.phrases = known, phrases

    def visit_Name(self, node: ast.Name) -> ast.expr:
        held = self.known.get(node.id)
        return self.visit(_copy(held)) if isinstance(held, ast.JoinedStr | ast.BinOp | ast.Call) else held or node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = self.phrases.get(_name(node))
        if function is None:
            return node
        last = function.body[-1]
        assert isinstance(last, ast.Return) and last.value
        given = dict(zip(_parameters(function), node.args, strict=False))
        return _Fill(given, {}).visit(_copy(last.value))


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


def _phrases(functions: Iterable[ast.FunctionDef]) -> dict[str, ast.FunctionDef]:
    """Functions that only return a text."""
    return {
        one.name: one
        for one in functions
        if isinstance(one.body[-1], ast.Return)
        and isinstance(one.body[-1].value, ast.JoinedStr)
        and all(isinstance(line, ast.Expr) for line in one.body[:-1])
    }


def _filled(call: ast.Call, known: Mapping[str, ast.expr], phrases: Mapping[str, ast.FunctionDef]) -> ast.Call:
    filled = _Fill(known, phrases).generic_visit(_copy(call))
    assert isinstance(filled, ast.Call)
    filled.lineno = call.lineno
    return filled


def _use(call: ast.Call, name: str, place: str, stage: str) -> Use:
    code = _argument(call, name, "code")
    literal = code.value if isinstance(code, ast.Constant) and isinstance(code.value, str) else None
    message, remedy = (_template(_argument(call, name, field)) for field in ("message", "remedy"))
    return Use(place, name, literal, stage, message, remedy if name in WITH_REMEDY else "")


def _template(node: ast.expr | None) -> str:
    """The words of an expression, with `...` for what varies."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_template, node.values))
    if isinstance(node, ast.FormattedValue):
        return _template(node.value) if isinstance(node.value, ast.Constant | ast.JoinedStr) else VARIES
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    if isinstance(node, ast.IfExp):
        return f"{_template(node.body)} Or: {_template(node.orelse)}"
    return "" if node is None else VARIES


def table(found: list[Use]) -> str:
    """One row per code, kind and stage; several messages of one code stand below each other."""
    rows: dict[tuple[str, str, str], list[Use]] = {}
    for use in found:
        if use.code:
            rows.setdefault((use.code, use.kind, use.stage), []).append(use)
    lines = []
    for (code, kind, stage), same in sorted(rows.items()):
        messages = dict.fromkeys(use.message for use in same if use.message)
        remedies = dict.fromkeys(use.remedy for use in same if use.remedy)
        lines.append(f"| `{code}` | {kind} | {stage} | {_cell(messages)} | {_cell(remedies)} |\n")
    return "".join(lines)


def _cell(texts: Mapping[str, None]) -> str:
    return "<br>".join(text.replace("|", "\\|").replace("<", "&lt;") for text in texts)


def page() -> str:
    return HEAD + table(uses())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
