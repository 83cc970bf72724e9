"""Every public function says what it takes and what it returns."""

import ast

import pytest

from tests.support.places import ROOT

PACKAGES = (
    "golden/commands",
    "golden/data",
    "golden/machine",
    "golden/reproduce",
    "golden/support",
    "golden/topology",
    "golden/training",
    "hw",
    "sim",
    "boards",
    "host",
    "pytorch",
    "examples",
    "scripts",
    "sobolpath",
)


def files(package):
    return sorted(path for path in (ROOT / package).rglob("*.py") if not path.is_symlink())


def public(tree):
    """The functions of a module that others call: (name with its class, node)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                named = isinstance(inner, ast.FunctionDef)
                if named and (inner.name == "__init__" or not inner.name.startswith("_")):
                    yield f"{node.name}.{inner.name}", inner


def untyped(node):
    """Whether an argument, or the result, of a function has no type."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [each for each in (node.args.vararg, node.args.kwarg) if each is not None]
    bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
    return bool(bare) or (node.returns is None and node.name != "__init__")


@pytest.mark.parametrize("package", PACKAGES)
def test_public_functions_have_types(package):
    found = {
        f"{path.relative_to(ROOT)}: {name}": untyped(node)
        for path in files(package)
        for name, node in public(ast.parse(path.read_text()))
    }
    assert found
    assert not [name for name, bare in found.items() if bare]
