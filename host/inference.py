"""A batch of images through a device, two commands under way where it can, each answer confirmed.

A reply tells by its tag which command it is of, but not which network computed it. So a batch ends
with IDENTIFY, and so does every doubt: if the device still holds the network then, it held it all
the time, as nothing but this driver loads it. Otherwise, as when the device was switched off and on
and has booted something else, the logits since the last time that it was asked are dropped, the
network is loaded again, and they are inferred again.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from sobolpath.golden.errors import InputError
from sobolpath.golden.protocol import frames
from sobolpath.golden.protocol.network import Network

from .errors import Doubt, NoNetwork
from .loading import holds
from .session import Session


def checked(images: ArrayLike, network: Network) -> np.ndarray:
    """Images for a network: ``uint8`` (n, n_0). Raises ``InputError`` for others."""
    images = np.asarray(images)
    wanted = f"uint8 of shape (images, {network.inputs}) or ({network.inputs},)"
    if images.dtype != np.uint8 or images.ndim not in (1, 2):
        raise InputError(f"images must be {wanted}, not {images.dtype} of {images.shape}")
    if images.shape[-1] != network.inputs:
        raise InputError(f"images must be {wanted}, not uint8 of {images.shape}")
    return np.atleast_2d(images)


class Batch:
    """``images`` for ``network``, as many in each command as the device infers together.

    Raises ``InputError`` unless they are ``uint8`` (n, n_0), or (n_0,) for one.
    """

    def __init__(self, images: ArrayLike, network: Network) -> None:
        self._images = checked(images, network)
        self._network = network
        self._replies: list[np.ndarray] = []
        self._confirmed = 0  # of the replies: by the network, as the device said behind them

    @property
    def _count(self):
        """Commands that it takes."""
        return -(-len(self._images) // self._network.images)

    def _part(self, number):
        """The images of a command; zeros stand for those that an odd last one lacks."""
        together = self._network.images
        part = self._images[number * together : (number + 1) * together]
        return np.pad(part, ((0, together - len(part)), (0, 0)))

    def run(
        self,
        session: Session,
        ensure: Callable[[], bool],
        progress: Callable[[int, int], object] | None = None,
    ) -> np.ndarray:
        """The logits, ``int32`` (n, n_L).

        ``ensure`` has the device hold the network, and returns whether it had to be loaded.
        ``progress`` is told the images that are done, and all of them. Raises ``HostError`` where
        no image was confirmed in all of the session's retries.
        """
        failures, doubtful = 0, False
        while self._confirmed < self._count:
            before = self._confirmed
            try:
                doubtful = session.settle() or doubtful
                if doubtful:
                    self._confirm(kept=not ensure())
                    doubtful = False
                self._stream(session, progress)
                self._confirm(kept=holds(session.identify(), self._network))
                doubtful = self._confirmed < self._count
                if doubtful:
                    raise Doubt(NoNetwork("the device must keep its network, but it loses it"))
            except Doubt as doubt:
                doubtful = True
                failures = 0 if self._confirmed > before else failures + 1
                if failures > session.retries:
                    raise doubt.error from None
                session.doubt()
        outputs = self._network.outputs
        return np.array(self._replies, np.int32).reshape(-1, outputs)[: len(self._images)]

    def _confirm(self, kept):
        """The device has told whether it still holds the network."""
        if kept:
            self._confirmed = len(self._replies)
        else:
            del self._replies[self._confirmed :]

    def _stream(self, session, progress):
        """All that has no reply yet. Raises ``Doubt``."""
        window = 2 if self._network.overlap else 1
        sent = len(self._replies)
        while len(self._replies) < self._count:
            while sent < min(self._count, len(self._replies) + window):
                part = self._part(sent)
                session.post(lambda tag, p=part: frames.infer(p, tag), self._network.reply_bytes)
                sent += 1
            self._replies.append(frames.logits(session.collect()))
            if progress is not None:
                done = len(self._replies) * self._network.images
                progress(min(done, len(self._images)), len(self._images))
