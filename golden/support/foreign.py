"""What a file is, that is not what it should be: by its first bytes, or what is in its archive."""

import io
import zipfile

NETWORK = "; networks of other tools are read as ONNX, by 'sobolpath import'"
HEADS = (  # by their first bytes
    (b"\x93NUMPY", "a single array (.npy), not several", ""),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as Keras writes", NETWORK),
    (b"\x80\x02", "a Python pickle, such as old versions of PyTorch write", NETWORK),
    (b"\x80\x03", "a Python pickle", NETWORK),
    (b"\x80\x04", "a Python pickle, such as scikit-learn's joblib writes", NETWORK),
    (b"\x80\x05", "a Python pickle", NETWORK),
    (b"\0\0\x08", "an idx file; np.savez puts arrays into one .npz", ""),
    (b"\x89PNG", "a picture", ""),
)
ONNX = (b"\x12", b"\x3a", b"\x42")  # after the version: producer, graph or operators
MODEL_FIELDS = {"format", "layers", "paths", "weights_1"}
DATA_FIELDS = {"x_train", "y_train", "x_test", "y_test"}
LISTED = 6  # names that are shown


def kind(content: bytes) -> str | None:
    """What a file of these bytes is, and what to do with it; ``None`` where that is not known."""
    for head, what, advice in HEADS:
        if content.startswith(head):
            return what + advice
    if content[4:8] == b"TFL3":
        return f"a TensorFlow Lite file{NETWORK}"
    if content[8:9] == b"{" and int.from_bytes(content[:8], "little") < len(content):
        return f"a safetensors file{NETWORK}"
    if is_onnx(content):
        return "an ONNX file: 'sobolpath import' makes a model file of it"
    if content.startswith(b"PK"):
        try:
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            return None
        return _archive(names)
    return None


def is_onnx(content: bytes) -> bool:
    """Whether these bytes begin as an ONNX file does."""
    begins = content[:1] == b"\x08" and b"\0" < content[1:2] < b" "
    return begins and content[2:3] in ONNX


def _archive(names):
    """What an archive of files of these names is."""
    arrays = {name.removesuffix(".npy") for name in names}
    if any(name.endswith("data.pkl") for name in names):
        return f"a PyTorch file{NETWORK}"
    if "model.weights.h5" in names:
        return f"a Keras file{NETWORK}"
    if len(MODEL_FIELDS & arrays) > 1:
        return "a model file: give it as MODEL"
    if len(DATA_FIELDS & arrays) > 1:
        return "a data set: give it with --data"
    if all(name.endswith(".npy") for name in names):
        return f"a .npz file of other arrays ({listed(sorted(arrays))})"
    return f"a .zip archive of other files ({listed(names)})"


def listed(names: list[str]) -> str:
    """The first of the names, joined by commas."""
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "") or "none"


def twice(names: list[str]) -> str | None:
    """The first name that is there twice."""
    return next((name for place, name in enumerate(names) if name in names[:place]), None)
