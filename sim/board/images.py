"""What is in a simulated board's boot flash."""

from pathlib import Path

from sobolpath.boards.board import Board
from sobolpath.golden.errors import InputError
from sobolpath.golden.machine import model as models
from sobolpath.golden.protocol import boot
from sobolpath.golden.protocol.identity import Identity
from sobolpath.golden.protocol.network import pack


def boot_image(
    board: Board, *, flash: bytes | Path | str | None = None, model: Path | str | None = None
) -> bytes:
    """The boot image: the bytes of ``flash``, those of a file, those of a model, or none.

    Raises ``InputError`` where both are given, the board boots from none, a file cannot be read, or
    a model does not fit.
    """
    if flash is not None and model is not None:
        raise InputError("flash and model must not both be given: each is the boot image")
    if board.flash is None and (flash is not None or model is not None):
        raise InputError(f"{board.name} must be a board that boots from its flash, but does not")
    if model is not None:
        identity = Identity.of(board.config)
        return boot.image(pack(models.load(model), identity))
    if flash is None or isinstance(flash, bytes):
        return flash or b""
    try:
        return Path(flash).read_bytes()
    except OSError as error:
        raise InputError(f"{flash}: must be a file to read: {error.strerror}") from None
