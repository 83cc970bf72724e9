"""The models that come with the package, called by their names: ``digits``, ``mnist-37k``, ..."""

from pathlib import Path

#: The folder ``models`` is beside the packages, in a checkout and where the package is installed.
FOLDER = Path(__file__).parents[2] / "models"


def names() -> list[str]:
    """Their names, in order of the alphabet."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def find(name: str | Path) -> Path:
    """The path of a model: a file of that path, else the shipped model of that name.

    ``.npz`` may be left out of either. Where neither is there it is ``name`` itself, for whoever
    reads it to complain.
    """
    path = Path(name)
    if path.exists():
        return path
    if path.name == str(name) and path.stem in names() and path.suffix in ("", ".npz"):
        return FOLDER / f"{path.stem}.npz"
    whole = Path(f"{path}.npz")
    return whole if whole.is_file() else path
