"""Write the sample company's exports, and the truths that were planted in them.

    python data/sample/make_sample.py                                  the committed sample, byte for byte
    python data/sample/make_sample.py --leads 1000000 --output DIR     the same company, larger, as Parquet
                                     ... --payments 3000000            and its clients order far more often

The truths come from the world itself (`world.py`); `detente` takes no part in them.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import books
import sales
import world
import write
from truth import truths

HERE = Path(__file__).parent
LEADS = 2_500


def main() -> None:
    """Draw the world once; write its files, its audit and its truths."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, help="this many inquiries, written as Parquet")
    parser.add_argument("--payments", type=int, help="with --leads: this many payments in all")
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write into")
    stated = parser.parse_args()
    if stated.leads is not None and (stated.leads < 1_000 or stated.output == HERE):
        parser.error("--leads wants 1000 or more, and --output another folder than the committed sample's")
    if stated.payments is not None and stated.leads is None:
        parser.error("--payments wants --leads")
    stated.output.mkdir(parents=True, exist_ok=True)
    leads = sales.planted(world.draw(stated.leads or LEADS))
    kept = books.kept(leads, stated.payments)
    if stated.leads:
        write.write_parquet(leads, kept, stated.output)
    else:
        write.write_exports(leads, kept, stated.output)
    if stated.output != HERE:
        (stated.output / "audit.yml").write_text(audit(parquet=bool(stated.leads)), encoding="utf-8")
    text = json.dumps(truths(leads, kept), ensure_ascii=False, indent=1)
    (stated.output / "truth.json").write_text(text + "\n", encoding="utf-8")


def audit(parquet: bool) -> str:
    """The sample's audit.yml; for Parquet, with those file names and without what only a workbook has."""
    text = (HERE / "audit.yml").read_text(encoding="utf-8")
    return re.sub(r"\.(csv|xlsx)\b", ".parquet", text).replace(" sheet: Объявления,", "") if parquet else text


if __name__ == "__main__":
    main()
