"""The one module that connects to the data engine, reads Parquet and turns results into pandas.

Expressions are Ibis and run on an embedded DuckDB. Nothing outside intake and metrics builds an expression, and
no Ibis type leaves a metric as its result. `ibis` is imported on first use: it costs a third of a second.
"""

from __future__ import annotations

import atexit
import os
import shutil
import uuid
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import platformdirs

if TYPE_CHECKING:
    import ibis


MEMORY = "4GB"  # what the engine takes before it spills to disk; DETENTE_MEMORY states another, such as 16GB


@cache
def connection() -> ibis.BaseBackend:
    """The embedded DuckDB of this process: in memory, offline, no extension is ever fetched."""
    import duckdb
    import ibis

    con = ibis.duckdb.connect(
        autoinstall_known_extensions=False, autoload_known_extensions=False, temp_directory=_spill(),
        memory_limit=os.environ.get("DETENTE_MEMORY", MEMORY),
    )  # fmt: skip
    # In a kernel without ipywidgets even switching the bar off is an error; there is no bar then.
    with suppress(duckdb.InvalidInputException):
        con.raw_sql("SET enable_progress_bar = false")
    ibis.set_backend(con)
    ibis.options.sql.fuse_selects = False  # DuckDB flattens nested selects itself, in a tenth of the time
    return con


def cache_root() -> Path:
    """Where canonical tables are kept: DETENTE_CACHE, else the user's cache folder."""
    return Path(os.environ.get("DETENTE_CACHE") or platformdirs.user_cache_dir("detente"))


def _spill() -> str:
    """Where the engine may put what does not fit into memory; it makes the folder when it needs it.

    In the cache, which only its owner may read, under a name that intake sweeps if a killed process leaves it.
    """
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    spill = root / f".work-{uuid.uuid4().hex}"
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    return str(spill)


def read(path: Path | str) -> ibis.Table:
    """A lazy table over one Parquet file."""
    return connection().read_parquet(str(path))


def table(frame: pd.DataFrame) -> ibis.Table:
    """A lazy table over a small pandas frame: for tests and for result tables that are joined again."""
    import ibis

    connection()
    return ibis.memtable(frame)


def named(expression: ibis.Table) -> ibis.Table:
    """The same table as a view of the engine: what is built on it is compiled in a fraction of the time.

    For an expression on which many questions rest. A table made in Python lives only as long as its Python
    object, so an expression over one stays as it is.
    """
    from ibis import util
    from ibis.expr import operations

    if expression.op().find(operations.InMemoryTable):
        return expression
    return connection().create_view(util.gen_name("named"), expression)


def frame(expression: ibis.Table) -> pd.DataFrame:
    """Run an expression. Counts come back as int64, ratios as float64, text as str with NaN for empty."""
    result = connection().to_pandas(expression)
    for name, dtype in expression.schema().items():
        if dtype.is_integer() and not result[name].isna().any():
            result[name] = result[name].astype("int64")
        elif dtype.is_string():
            result[name] = result[name].astype("str")
    return result


def write(expression: ibis.Table, path: Path) -> None:
    """Write an expression to one Parquet file without passing through pandas."""
    connection().to_parquet(expression, str(path), compression="zstd")
