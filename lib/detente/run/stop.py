"""Kernels that never outlive the run: whatever ends this process also ends them and what they left.

Signals become `Stopped`, and leaving the pool by it kills every descendant. A process that was killed outright
cannot do that: so kernels watch for its end themselves, and a guard deletes the folder of the run.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
def pool(jobs: int, temporary: Path, scratch: Path) -> Iterator[ThreadPoolExecutor]:
    """`jobs` threads, each with one kernel at a time; what they print goes to a log in `scratch`.

    Leaving by an exception kills all kernels. Should this process be killed outright, its kernels end by
    themselves and a guard deletes `temporary`.
    """
    jupyter.lighten()
    from detente.run import kernels  # imports Jupyter: not for those who only ask for --help

    os.environ.update(
        PYTHONUTF8="1",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        JUPYTER_PREFER_ENV_PATH="1",  # the python3 kernel of this environment, not of the home folder
        JUPYTER_RUNTIME_DIR=str(scratch / "jupyter"),
    )
    kernels.warm(scratch / LOG)
    guard = _guard(temporary)
    executor = ThreadPoolExecutor(jobs)
    with _logged(scratch / LOG):  # until the last thread has said its word
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            kill_descendants()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
            guard.kill()


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Warnings and log lines of the tools go to a file: a scheduled run is silent."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    logging.captureWarnings(True)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        logging.captureWarnings(False)
        handler.close()


def kill_descendants() -> None:
    """End every process that this one started, and theirs: kernels among them."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()


def _guard(temporary: Path) -> multiprocessing.process.BaseProcess:
    """A process that outlives this one by as long as it takes to delete `temporary`."""
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    guard = multiprocessing.get_context(method).Process(
        target=_end_with_parent, args=(temporary,), daemon=True
    )
    guard.start()
    return guard


def _end_with_parent(temporary: Path) -> None:
    for number in _HANDLED:  # Ctrl-C reaches the whole group; the parent decides
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    for _ in range(20):  # a kernel on its way out may still be writing
        shutil.rmtree(temporary, ignore_errors=True)
        if not temporary.exists():
            break
        time.sleep(0.1)
