"""09: cheaper leads and dearer clients, the base sold to once more, and what a stated CAC really is."""

from __future__ import annotations

import pandas as pd

from detente.present import charts_money
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state

GROUP = "economics"
SHOWN = 6  # channels of one picture
FEW = 5  # won deals: of fewer no share is told


# --- CPL against CAC ---
def cheap(report: Report, windows, found: pd.DataFrame) -> View:
    """Did a lead become cheaper and a client dearer? windows, found : of `cheap_leads`.

    tone "bad": it did; "warn": target leads became dearer.
    """
    group, limits = f"{GROUP}.cpl_cac", report.audit.thresholds
    if not report.tables.has("spend"):
        return View()  # the first section says what is missing
    values = _periods(windows) | {"few": limits.few_wins, "cheaper": limits.cheaper, "compared": len(found)}
    if found.empty:
        return View(
            finding=state(
                report, group, "unit_cpl_cac", "marketing", variant="few", status="cannot_tell", **values
            )
        )
    row = found.iloc[0]
    flag = row["flag"]
    values |= _told(report, found, row)
    number, status = None, "ok"
    if flag == "swap":
        number = Number(row["ratio"], "times", row["low"], row["high"], int(row["won0"] + row["won1"]))
    elif flag == "hidden":
        number = Number(
            row["target_cost1"] / row["target_cost0"], "times", n=int(row["target0"] + row["target1"])
        )
    elif flag == "too_early":
        status = "cannot_tell"
    few = flag == "hidden" and min(row["won0"], row["won1"]) < limits.few_wins
    variant = "hidden_few" if few else flag
    finding = state(
        report, group, "unit_cpl_cac", "marketing", number, variant=variant, status=status, **values
    )
    note = [phrase(report, group, "identity")]
    if flag in ("swap", "hidden"):
        note.append(phrase(report, group, f"identity_{flag}", **values))
        note += [phrase(report, group, "also", **values)] if values["others"] else []
    early = found.index[found["flag"] == "too_early"]
    if len(early) and flag != "too_early":
        names = ", ".join(report.words.group(name) for name in early)
        note.append(phrase(report, group, "early", names=names, **values))
    if windows.undated:
        note.append(phrase(report, group, "undated", undated=windows.undated))
    caption = phrase(report, group, "caption", **values)
    figure = Figure(
        charts_money.versus, _versus(report, group, found), phrase(report, group, "title"), caption
    )
    tone = {"swap": "bad", "hidden": "warn"}.get(flag, "plain")
    return View(
        finding=finding, figure=figure, table=_table(report, group, found), note=" ".join(note), tone=tone
    )


def _periods(windows) -> dict:
    return {"from0": windows.before[0], "to0": windows.before[1], "from1": windows.after[0], "to1": windows.after[1],
            "days": windows.days, "age": windows.age}  # fmt: skip


def _told(report: Report, found: pd.DataFrame, row: pd.Series) -> dict:
    """The numbers of the first channel, in words of what became of them."""
    others = found.index[(found["flag"] == row["flag"])][1:]
    return {
        "channel": report.words.group(row.name), "cpl0": row["cpl0"], "cpl1": row["cpl1"], "cac0": row["cac0"],
        "cac1": row["cac1"], "fell": 1 - row["cpl_ratio"], "cheaper_times": 1 / row["cpl_ratio"],
        "ratio": row["ratio"], "interval": (row["low"], row["high"]), "won0": row["won0"], "won1": row["won1"],
        "leads0": row["leads0"], "leads1": row["leads1"], "rate0": row["conversion0"], "rate1": row["conversion1"],
        "rarer": row["rarer"],
        "target_ratio": row["target_ratio"], "target_cost0": row["target_cost0"], "target_cost1": row["target_cost1"],
        "p": row["p_dearer_holm"],
        "p_target": row["p_target_holm"], "even": row["break_even"],
        "judged": row["judged"], "others": ", ".join(report.words.group(name) for name in others),
    }  # fmt: skip


def _versus(report: Report, group: str, found: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row in found.head(SHOWN).itertuples():
        ends = {"cpl": (None, None), "target_cost": (None, None), "cac": (row.low, row.high)}
        for name, (low, high) in ends.items():
            before, after = getattr(row, f"{name}0"), getattr(row, f"{name}1")
            if before > 0 and after > 0:
                rows.append({
                    "label": report.words.group(row.Index), "measure": phrase(report, group, name), "before": before,
                    "after": after, "low": low, "high": high,
                    "named": row.flag == {"cac": "swap", "target_cost": "hidden"}.get(name),
                })  # fmt: skip
    frame = pd.DataFrame(rows, columns=["label", "measure", "before", "after", "low", "high", "named"])
    return frame.astype({"low": float, "high": float})


def _table(report: Report, group: str, found: pd.DataFrame) -> Table:
    frame = found.assign(
        label=[report.words.group(name) for name in found.index],
        verdict=[phrase(report, group, f"flag_{flag}") for flag in found["flag"]],
        interval=list(zip(found["low"], found["high"], strict=True)),
    )  # fmt: skip
    kinds = {
        "label": "text",
        "cpl0": "money",
        "cpl1": "money",
        "cac0": "money",
        "cac1": "money",
        "verdict": "text",
    }
    more = {"interval": "times_range", "ratio": "times", "target_cost0": "money", "target_cost1": "money",
            "leads0": "count", "leads1": "count", "won0": "count", "won1": "count", "conversion0": "percent",
            "conversion1": "percent", "spend0": "money", "spend1": "money"}  # fmt: skip

    def columns(part: dict) -> list[Column]:
        heads = {"label": "channel", "interval": "times_interval"}
        return [
            Column(key, phrase(report, f"{GROUP}.columns", heads.get(key, key)), kind)
            for key, kind in part.items()
        ]

    bold = found["flag"].isin(["swap", "hidden"]).reset_index(drop=True)
    return Table("cpl_cac", frame, columns(kinds), phrase(report, group, "table"), bold, columns(more))


# --- the base ---
def base(report: Report, windows, wins: pd.DataFrame, found) -> View:
    """Did the clients become cheaper because the base was sold to? wins : `returning.of_wins`; found : `.shift`."""
    group, limits = f"{GROUP}.returning", report.audit.thresholds
    won, again = int(wins["won"].sum()), int(wins["returning"].sum())
    own = wins.index[(wins["kind"] == "base") & wins.index.notna()]
    values = _periods(windows) | {
        "won": won, "again": again, "most": limits.mostly_returning, "few": limits.few_wins,
        "names": ", ".join(report.words.group(name) for name in own), "cac0": found.cac[0], "cac1": found.cac[1],
        "cac_new0": found.cac_new[0], "cac_new1": found.cac_new[1], "new0": found.new[0], "new1": found.new[1],
        "share0": found.returning[0], "share1": found.returning[1], "won0": found.won[0], "won1": found.won[1],
        "budget0": found.base_spend[0], "budget1": found.base_spend[1],
    }  # fmt: skip
    if not won:
        return View(
            finding=state(
                report, group, "unit_returning", "marketing", variant="none", status="cannot_tell", **values
            )
        )
    if not wins["named"].sum():
        return View(finding=missing(report, group, "unit_returning", "data"))
    tied = report.tables.has("spend")
    variant = found.state if tied or found.state == "too_early" else "no_spend"
    variant = ("no_base" if tied else "no_base_alone") if not again else variant
    share = found.returning[1]
    number = (
        Number(share, "share", found.low, found.high, found.won[1])
        if variant in ("base", "good", "dearer")
        else None
    )
    status = "ok" if variant in ("base", "good", "dearer", "no_base", "no_base_alone") else "cannot_tell"
    finding = state(
        report, group, "unit_returning", "marketing", number, variant=variant, status=status, **values
    )
    notes = [phrase(report, group, "base_channels", **values)] if len(own) else []
    if again and found.base_spend[1] > 0:
        notes.append(phrase(report, group, "budget", **values))
    if variant in ("base", "good", "dearer"):
        notes.append(phrase(report, group, "age", **values))
        if windows.undated:
            notes.append(phrase(report, f"{GROUP}.cpl_cac", "undated", undated=windows.undated))
    table = _wins(report, group, wins) if again else None
    tone = "bad" if variant == "base" else "plain"
    return View(finding=finding, table=table, note=" ".join(notes), tone=tone)


def _wins(report: Report, group: str, wins: pd.DataFrame) -> Table:
    frame = wins.assign(
        label=[report.words.group(name) for name in wins.index],
        interval=list(zip(wins["low"], wins["high"], strict=True)),
        verdict=[phrase(report, group, f"is_{kind}") for kind in wins["kind"]],
        share=wins["share"].where(wins["won"] >= FEW),
    )
    kinds = {"label": "text", "won": "count", "returning": "count", "new": "count", "share": "percent",
             "interval": "percent_range", "verdict": "text"}  # fmt: skip
    heads = {"label": "channel", "share": "returning_share", "interval": "returning_interval"}
    columns = [
        Column(key, phrase(report, f"{GROUP}.columns", heads.get(key, key)), kind)
        for key, kind in kinds.items()
    ]
    return Table(
        "returning",
        frame,
        columns,
        phrase(report, group, "table"),
        (wins["kind"] == "base").reset_index(drop=True),
    )


# --- a stated CAC ---
def claimed(report: Report, stated: float | None, found: pd.DataFrame) -> View:
    """What the company's own CAC is made of. found : `cheap_leads.denominators`."""
    group = f"{GROUP}.claimed"
    if not report.tables.has("spend") or found["value"].isna().all():
        return View()
    names = [
        phrase(report, f"{group}.of", f"{row.scope}_{row.name}") for row in found.itertuples(index=False)
    ]
    frame = found.assign(label=names)
    honest = found[found["name"].isin(["won", "clients", "new", "full", "full_new"])]
    same = frame[frame["same"]]
    values = {"claimed": stated, "same": "; ".join(same["label"]), "cac": _value(found, "won"),
              "lead": _value(found, "leads"), "value": float(same["value"].max())}  # fmt: skip
    if stated is None:
        variant = "unstated"
    elif same.empty:
        variant = "nothing"
    else:
        variant = "honest" if honest["same"].any() else "cpl"
    values["times"] = values["cac"] / stated if stated else float("nan")
    variant = "cpl_unsold" if variant == "cpl" and values["cac"] != values["cac"] else variant
    number = Number(stated, "money", n=len(found)) if stated else None
    finding = state(report, group, "unit_claimed_cac", "marketing", number, variant=variant, **values)
    kinds = {"label": "text", "money": "money", "count": "count", "value": "money"}
    heads = {"label": "denominator", "count": "divisor", "value": "quotient"}
    columns = [
        Column(key, phrase(report, f"{GROUP}.columns", heads.get(key, key)), kind)
        for key, kind in kinds.items()
    ]
    table = Table(
        "claimed_cac", frame, columns, phrase(report, group, "table"), frame["same"].reset_index(drop=True)
    )
    return View(finding=finding, table=table)


def _value(found: pd.DataFrame, name: str) -> float:
    """Of the channels with spend where there are such, else of all leads."""
    return float(found.loc[found["name"] == name, "value"].iloc[0])
