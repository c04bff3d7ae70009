"""Fresh kernels that start warm: forked from one clean process that has already imported what notebooks use.

Importing Jupyter's kernel, pandas, the engine and matplotlib costs more than most notebooks do. `multiprocessing`
keeps a single-threaded fork server that imports once and holds no state of any run; each kernel is a fork of it,
so nothing passes from one notebook to the next. Where there is no fork server (Windows), kernels start cold.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

WARM = (
    "forkserver" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
)  # its frameworks forbid it
# What notebooks import: the kernel, the engine, statistics and pictures. A name that is missing is passed over.
PRELOAD = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib_inline.backend_inline", "ibis.backends.duckdb",
    "scipy.stats", "scipy.optimize", "seaborn", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "detente.intake", "detente.present.report", "detente.present.drawing", "detente.present.charts",
)  # fmt: skip


def warm(log: Path) -> None:
    """From now on kernels of this process are forks of a warm one; what they print goes to `log`."""
    if WARM:
        Forked.log = log
        multiprocessing.get_context("forkserver").set_forkserver_preload(list(PRELOAD))
        factory = KernelProvisionerFactory.instance()
        place = f"{__name__}:{Forked.__name__}"
        factory.provisioners["detente"] = EntryPoint("detente", place, factory.GROUP_NAME)
        factory.default_provisioner_name = "detente"


class Forked(LocalProvisioner):
    """Jupyter's own way to keep a local kernel, save that the process is a fork of the warm one."""

    log = Path(os.devnull)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel that `cmd` (python -m ipykernel_launcher -f FILE) would start."""
        forks = multiprocessing.get_context("forkserver")
        self.cwd = Path(kwargs.get("cwd") or Path.cwd())
        child = forks.Process(target=serve, args=(cmd[cmd.index("-f") :], self.cwd, kwargs["env"], self.log))
        child.start()
        self.process = _Handle(child)
        self.pid = self.pgid = child.pid
        return self.connection_info


class _Handle:
    """A multiprocessing process with the few words of subprocess.Popen that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, process: Any):
        self._process, self.pid = process, process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def serve(arguments: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    """In the fork: become the kernel. A group of its own, so that a signal to it reaches what it starts."""
    os.setsid()
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment | {"JPY_PARENT_PID": str(os.getppid())})
    os.chdir(folder)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["ipykernel_launcher", *arguments]
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(arguments)


def _end_with_parent() -> None:
    """Whoever kills the run outright cannot tell its kernels; they notice that it is gone."""
    multiprocessing.parent_process().join()
    os.killpg(0, signal.SIGKILL)
