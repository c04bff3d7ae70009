"""One run at a time per client folder: the second is told who holds it."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class Locked(Exception):
    """Another run works on this client (exit code 5)."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the client's folder. The system releases it when the process ends, however it ends."""
    path = folder / ".lock"
    take, release = (_take_flock, _release_flock) if fcntl else (_take_file, _release_file)
    handle = take(path)
    try:
        os.truncate(handle, 0)
        note = {"pid": os.getpid(), "started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
        os.write(handle, json.dumps(note).encode())
        yield
    finally:
        release(handle, path)


def _take_flock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise Locked(_holder(path)) from None
    return handle


def _release_flock(handle: int, path: Path) -> None:
    # The file stays: deleting it would let two later runs lock two different files of one name.
    os.close(handle)


def _take_file(path: Path) -> int:
    if not psutil.pid_exists(_note(path).get("pid", -1)):
        with suppress(OSError):
            path.unlink(missing_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except OSError:
        raise Locked(_holder(path)) from None


def _release_file(handle: int, path: Path) -> None:
    os.close(handle)
    path.unlink(missing_ok=True)


def _note(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _holder(path: Path) -> str:
    note = _note(path)
    who = f"process {note['pid']}, started {note['started']}" if note else "an unknown process"
    return f"{path.parent}: another run holds this client ({who}); wait for it, or end it"
