"""The engine keeps to its memory and spills where only its owner may read."""

import os
import subprocess
import sys
from pathlib import Path

SORT = """
from detente import engine
con = engine.connection()
con.raw_sql("CREATE TABLE many AS SELECT hash(range) AS a, hash(range + 1) AS b FROM range(3000000)")
rows = con.raw_sql("SELECT a, row_number() OVER (ORDER BY b) AS place FROM many ORDER BY a").fetchmany(1)
assert rows
"""


def test_what_does_not_fit_into_memory_is_spilled_into_the_cache_and_gone_afterwards(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    around = os.environ | {"DETENTE_CACHE": str(cache), "DETENTE_MEMORY": "64MB"}
    subprocess.run([sys.executable, "-c", SORT], env=around, cwd=tmp_path, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert cache.stat().st_mode & 0o077 == 0
    assert not list(cache.iterdir())
