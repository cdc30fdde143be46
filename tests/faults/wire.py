"""A cable between two programs that can be cut, or go silent, while both believe it is there."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Wire:
    """Forwards TCP from a port of its own to another. `cut` refuses, `silence` accepts and never answers."""

    def __init__(self, port: int) -> None:
        self._far_port = port
        self._open = threading.Event()
        self._open.set()
        self._links: list[socket.socket] = []
        self.port = 0
        self.mend()

    def cut(self) -> None:
        """Nobody listens any more, and what was connected is not."""
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake the thread that accepts
        self._listener.close()
        self._hang_up()

    def silence(self) -> None:
        """Connections are accepted and nothing ever comes back; those that exist fall silent too."""
        self._open.clear()

    def mend(self) -> None:
        """As if nothing had happened; silent connections are lost."""
        if not self._open.is_set():
            self._hang_up()
            self._open.set()
            return
        listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._open.set()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                self._links.append(near)
                threading.Thread(target=self._connect, args=[near], daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with suppress(OSError):
            far = socket.create_connection(("127.0.0.1", self._far_port))
            self._links.append(far)
            threading.Thread(target=self._forward, args=[far, near], daemon=True).start()
            self._forward(near, far)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._open.wait()
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _hang_up(self) -> None:
        links, self._links = self._links, []
        for link in links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
