"""The package onnx, and what is read of its files: the graph, and the arrays in it."""

from pathlib import Path
from typing import Any

import numpy as np

from sobolpath.golden.errors import InputError
from sobolpath.golden.support import foreign, packages

PURPOSE = "to read and write ONNX"


def onnx(*names: str) -> Any:
    """The package, or one of its modules, imported. Raises ``InputError`` where it is missing."""
    return packages.module(".".join(("onnx", *names)), PURPOSE, "onnx")


def load(path: str | Path) -> Any:
    """The ``onnx.ModelProto`` of a file, with the weights that lie beside it.

    Raises ``InputError`` where it is no whole file, or weights are missing.
    """
    library = onnx()
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: must be a readable ONNX file: {error.strerror}") from None
    kind = None if foreign.is_onnx(content) else foreign.kind(content)
    try:
        model = library.load_model_from_string(content)
        good = bool(model.graph.node)
    except Exception:  # whatever protobuf raises for bytes that are not its own
        good = False
    if not good:
        raise InputError(
            f"{path}: must be a whole ONNX file" + (f", but it is {kind}" if kind else "")
        )
    _load_beside(path, model)
    return model


def _load_beside(path, model):
    """Read the weights that lie in files beside a model's."""
    folder, helper = Path(path).parent, onnx().external_data_helper
    places = {
        tensor.name: entry.value
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    missing = {place for place in places.values() if not (folder / place).is_file()}
    if missing:
        raise InputError(f"{path}: its weights must be beside it, in {min(missing)}")
    outside = f"{path}: its weights must be in files of the same folder"
    if any(Path(place).is_absolute() or ".." in Path(place).parts for place in places.values()):
        raise InputError(outside)
    for tensor in model.graph.initializer:
        if tensor.name in places:
            try:
                helper.load_external_data_for_tensor(tensor, str(folder))
            except Exception:  # newer ONNX counts the bytes here
                raise _damaged(tensor) from None
    try:
        helper.load_external_data_for_model(model, str(folder))
    except Exception:  # whatever ONNX raises, such as for a link out of the folder
        raise InputError(outside) from None


def attributes(node: Any) -> dict[str, Any]:
    """The attributes of a node, by name."""
    helper = onnx("helper")
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def title(node: Any) -> str:
    """What messages call a node."""
    return f"node {node.name or next(iter(node.output), '')} ({node.op_type})"


def array(tensor: Any) -> np.ndarray:
    """A constant of the file as an array. Raises ``InputError`` where its bytes are damaged."""
    try:
        return onnx("numpy_helper").to_array(tensor)
    except Exception:  # whatever NumPy and ONNX raise for bytes of another number or type
        raise _damaged(tensor) from None


def _damaged(tensor):
    return InputError(
        f"constant {tensor.name} must be whole, but its bytes are not of its shape and type"
    )
