"""Worker processes that never outlive the run: whatever ends the parent also ends workers and kernels.

The parent turns signals into `Stopped` and kills the tree of every worker. A parent that was killed outright
cannot: so each worker watches for its parent's end (multiprocessing's sentinel, the same on every system) and
cleans up itself.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from detente.run import jupyter

_HANDLED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
LOG = "run.log"  # what workers, kernels and the tools in them print


class Stopped(BaseException):
    """A signal asked the run to end; the exit code is 128 + `signum`."""

    def __init__(self, signum: int):
        super().__init__(signum)
        self.signum = signum


def on_signals() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP raise `Stopped`, once; a signal that was ignored stays
    ignored."""
    for number in _HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise)


def _raise(signum: int, frame: Any) -> None:
    for number in _HANDLED:  # cleaning up must not be interrupted again
        signal.signal(number, signal.SIG_IGN)
    raise Stopped(signum)


@contextmanager
def pool(jobs: int, temporary: Path, scratch: Path) -> Iterator[ProcessPoolExecutor]:
    """`jobs` spawned workers that write to `scratch` and delete `temporary` should this process be killed.

    Leaving by an exception kills them and their kernels.
    """
    spawn = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin, initargs=(temporary, scratch))
    try:
        yield executor
    except BaseException:
        for worker in multiprocessing.active_children():
            kill_tree(worker.pid)
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def kill_tree(pid: int | None, itself: bool = True) -> None:
    """End a process's descendants, kernels included, and the process."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = process.children(recursive=True)
        for member in [process, *family] if itself else family:
            with suppress(psutil.Error):
                member.kill()


def _begin(temporary: Path, scratch: Path) -> None:
    """In a new worker: quiet streams, a plain environment for kernels, an eye on the parent."""
    jupyter.lighten()
    log = os.open(scratch / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(
        PYTHONUTF8="1",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        JUPYTER_PREFER_ENV_PATH="1",  # the python3 kernel of this environment, not of the home folder
        JUPYTER_RUNTIME_DIR=str(scratch / "jupyter"),
    )
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with_parent, args=(temporary,), daemon=True).start()


def _end_with_parent(temporary: Path) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    kill_tree(os.getpid(), itself=False)
    for _ in range(20):  # another worker may be deleting the same folder
        shutil.rmtree(temporary, ignore_errors=True)
        if not temporary.exists():
            break
    os._exit(1)
