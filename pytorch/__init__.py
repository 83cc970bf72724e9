"""Networks of paths as modules of PyTorch: trained there, and run by the same integers.

``PathLinear`` is a layer, ``PathNetwork`` a network of them with ReLUs between, and
``QuantizedPathNetwork`` one that computes with the integers of the engine while it learns. What any
of them computes is what :mod:`golden` computes. PyTorch comes with the extra ``torch``, and is
imported when the first of these names is.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..golden.errors import InputError
from ..golden.support import packages

if TYPE_CHECKING:
    from .linear import Junction, PathLinear
    from .network import PathNetwork
    from .quantized import QuantizedPathNetwork

__all__ = ["Junction", "PathLinear", "PathNetwork", "QuantizedPathNetwork"]

_PLACES = {
    "Junction": "linear",
    "PathLinear": "linear",
    "PathNetwork": "network",
    "QuantizedPathNetwork": "quantized",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        packages.module("torch", f"for {name}", "torch")
    except InputError as error:
        raise ImportError(str(error)) from None
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
