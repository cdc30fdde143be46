"""Who an embedded server runs as, and how that user reaches its programs and files.

Started by an ordinary person, a server runs as that person. Started by root it runs as `nobody`, who often
may not enter the folder this checkout lies in; then programs and data are kept below `/var/lib/ringfence`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUTSIDE = Path("/var/lib/ringfence")

THROWAWAY_PREFIX = "ringfence-throwaway-"
ABANDONED_AFTER_SECONDS = 60.0


def identity() -> dict[str, Any]:
    """Keywords for `subprocess`: PostgreSQL refuses to run as root, and Valkey should not."""
    user = _unprivileged_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def make_private_folder(folder: Path) -> None:
    """Made when missing; only the server's user may look inside."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _give_to_server(folder)


def write_private(path: Path, text: str) -> None:
    """A file that only the server's user (and root) can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    _give_to_server(draft)
    draft.replace(path)


def data_folder(var: Path, kind: str) -> Path:
    """Where a kept server's files are: in `var`, or in one place outside. Said once, when that is made."""
    if _can_enter(var):
        return var / kind
    folder = _outside_folder(var)
    if not folder.exists():
        print(f"{var} is closed to the servers' user; their data is kept in {folder}", file=sys.stderr)  # noqa: T201
        _make_open_folder(folder)
    return folder / kind


def reachable(programs: Path) -> Path:
    """The folder of programs itself, or a copy that the server's user can run, with its libraries.

    A wheel lays its libraries beside its package (`name/`, `name.libs/`) and programs find them by that way.
    """
    if _can_enter(programs):
        return programs
    prefix, package = programs.parent, programs.parent.parent
    copy = _outside_folder(package) / str(programs.stat().st_mtime_ns)
    if not copy.exists():
        _make_open_folder(copy.parent)
        draft = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(prefix, draft / package.name / prefix.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for folder in (draft, *(part for part in draft.rglob("*") if part.is_dir())):
            folder.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was faster; its copy is as good
            draft.rename(copy)
    return copy / package.name / prefix.name / programs.name


@contextlib.contextmanager
def throwaway_folder() -> Iterator[Path]:
    """A temporary folder for one server. Those of killed processes are cleared away on the next use."""
    choices = (Path(tempfile.gettempdir()), Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - the folder is private
    parent = next(choice for choice in choices if _can_enter(choice))
    _clear_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=THROWAWAY_PREFIX, dir=parent))
    in_use = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(in_use, fcntl.LOCK_EX)  # the kernel lets go of it however we end
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(in_use)


def _clear_abandoned(parent: Path) -> None:
    user = _unprivileged_user()
    owner = user.pw_uid if user else os.geteuid()
    for folder in parent.glob(f"{THROWAWAY_PREFIX}*"):
        with contextlib.suppress(OSError):  # in use, or just cleared by another process
            status = folder.lstat()
            if status.st_uid != owner or time.time() - status.st_mtime < ABANDONED_AFTER_SECONDS:
                continue
            in_use = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(in_use)


def _unprivileged_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _give_to_server(path: Path) -> None:
    if user := _unprivileged_user():
        os.chown(path, user.pw_uid, user.pw_gid)


def _can_enter(folder: Path) -> bool:
    """Every folder on the way must let strangers through; one that is still to be made does not count."""
    if _unprivileged_user() is None:
        return True
    way = [part for part in (folder.resolve(), *folder.resolve().parents) if part.exists()]
    return all(part.stat().st_mode & 0o001 for part in way)


def _outside_folder(path: Path) -> Path:
    return OUTSIDE / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]


def _make_open_folder(folder: Path) -> None:
    """Anybody may pass through, nobody but root may look around or write."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in (folder, OUTSIDE):
        part.chmod(0o711)
