"""The golden twin behind a pseudo-terminal: what a serial program opens in a test."""

import os
import select
import threading
import tty
from contextlib import contextmanager

SILENCE = 0.1  # seconds


class Behind:
    """What stands behind a pseudo-terminal.

    ``port`` : its path. ``answer(content)`` gives the bytes for those that came; ``silence()``
    those for none. :meth:`unplug` closes it.
    """

    def __init__(self, answer, silence=lambda: b""):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.received = 0
        self._answer, self._silence = answer, silence
        self._end, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        told = False
        while True:
            ready, _, _ = select.select([self._master, self._end], [], [], SILENCE)
            if self._end in ready:
                return
            if ready:
                content = os.read(self._master, 4096)
                self.received += len(content)
                out, told = self._answer(content), False
            else:
                out, told = b"" if told else self._silence(), True
            if out:
                os.write(self._master, out)

    def unplug(self):
        """End the thread, and close both ends."""
        if self._thread is not None:
            os.write(self._ended, b"x")
            if threading.current_thread() is not self._thread:
                self._thread.join(5)
            self._thread = None
            for handle in (self._master, self._slave, self._end, self._ended):
                os.close(handle)


@contextmanager
def behind(answer, silence=lambda: b""):
    """A :class:`Behind` that is closed at the end."""
    found = Behind(answer, silence)
    try:
        yield found
    finally:
        found.unplug()


@contextmanager
def twin_terminal(device):
    """The twin ``device`` behind a pseudo-terminal."""
    with behind(device.take, device.silence) as found:
        yield found
