"""13: who comes back, how large a purchase is, what is returned, and which channel brings whom."""

from __future__ import annotations

import pandas as pd

from detente.present import charts, numbers
from detente.present.findings import Finding
from detente.present.numbers import FEW
from detente.present.pieces import Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, missing, phrase, state
from detente.present.view_cash import GROUP, basis_note, columns, is_bank, longest

DRAWN = 24  # months in a picture
SHOWN = 15  # groups in a picture
HUNDRED = 100
LEAST = 0.001  # a bound of a share is not told lower
NEAR = 0.005  # a change below this is none


def returning(report: Report, matched, back: pd.DataFrame | None) -> View:
    """How many clients bought again. back : `repeat.returning`."""
    group, least = f"{GROUP}.repeat", report.audit.thresholds.min_group
    if back is None or matched is None or not matched.basis:
        return View()
    if not back["clients"].iloc[0]:
        return View(finding=missing(report, group, "cash_repeat", "data"))
    enough = longest(report, back)
    row = back.iloc[0] if enough is None else enough
    names = ("days", "share", "back", "watched", "clients", "young", "young_back", "high")
    values = {name: row[name] for name in names}
    values |= {"interval": (row["low"], row["high"]), "need": least, "high": max(row["high"], LEAST)}
    if enough is None:
        finding = state(report, group, "cash_repeat", "ceo", variant="few", status="cannot_tell", **values)
    else:
        number = Number(row["share"], "share", row["low"], row["high"], int(row["watched"]))
        finding = state(
            report, group, "cash_repeat", "ceo", number, variant="" if row["back"] else "none", **values
        )
    frame = back.assign(
        label=[phrase(report, group, "window", days=days) for days in back["days"]], known=back["watched"],
        enough=back["watched"] >= least, interval=list(zip(back["low"], back["high"], strict=True)),
    )  # fmt: skip
    lines = [basis_note(report, matched), phrase(report, group, "young", **values) if row["young"] else ""]
    drawn = frame[frame["watched"] >= FEW]
    figure = Figure(charts.shares, drawn, phrase(report, group, "title"), phrase(report, group, "caption"))
    kinds = {"label": "text", "watched": "count", "back": "count", "share": "share", "interval": "percent_range",
             "young": "count", "young_back": "count"}  # fmt: skip
    table = Table("repeat", frame, columns(report, kinds, label="window"), phrase(report, group, "table"))
    return View(finding=finding, figure=figure, table=table, note=" ".join(filter(None, lines)))


# --- the average purchase ---
def checks(report: Report, matched, table: pd.DataFrame | None, typical, average) -> View:
    """The purchase by month, and whether it grows. typical, average : `repeat.trend` of the median and the mean."""
    group = f"{GROUP}.check"
    if table is None or table.empty:
        return View()
    values = {
        "months": typical.months, "need": typical.needed, "n": typical.n, "first_month": typical.first,
        "last_month": typical.last, "change": abs(typical.whole), "mean_change": abs(average.whole),
        "low": typical.whole_low, "high": typical.whole_high, "usual": typical.usual, "often": typical.usual_months,
        "since": typical.since or typical.last, "others": _either(report, typical.others_low, typical.others_high),
    }  # fmt: skip
    if typical.status != "ok":
        finding = state(report, group, "cash_check", "product", variant="few", status="cannot_tell", **values)
    else:
        variant = _move(typical, 2 * report.audit.thresholds.material)
        if variant == "unclear":
            values["span"] = _span(report, group, typical)
            finding = state(
                report, group, "cash_check", "product", variant=variant, status="cannot_tell", **values
            )
        else:
            number = Number(typical.whole, "percent", typical.whole_low, typical.whole_high, typical.n)
            finding = state(report, group, "cash_check", "product", number, variant=variant, **values)
    apart = typical.status == "ok" and average.moves != typical.moves
    side = "up" if average.whole > 0 else "down"
    lines = (
        [phrase(report, group, "apart", f"mean_{side}" if average.moves else "median", **values)]
        if apart
        else []
    )
    drawn = table.tail(DRAWN)
    frame = pd.DataFrame({
        "label": [report.words.month(name) for name in drawn.index], "value": drawn["median"], "low": drawn["low"],
        "high": drawn["high"], "n": drawn["n"], "enough": drawn["whole"] & (drawn["n"] >= FEW),
    })  # fmt: skip
    figure = Figure(charts.bars, frame, phrase(report, group, "title"), phrase(report, group, "caption"))
    rows = table.assign(interval=list(zip(table["low"], table["high"], strict=True))).reset_index()
    kinds = {"month": "month", "n": "count", "amount": "money", "mean": "money", "median": "money",
             "interval": "money_range"}  # fmt: skip
    heads = columns(report, kinds, n="purchases", amount="sum", interval="median_interval")
    note = " ".join(filter(None, [basis_note(report, matched), *lines]))
    return View(
        finding=finding,
        figure=figure,
        table=Table("checks", rows, heads, phrase(report, group, "table")),
        note=note,
    )


def _move(drift, steady: float) -> str:
    """Up, down; steady where the whole interval lies near 0, settled or often the same where months in between differ;
    else nobody can tell."""
    if drift.moves:
        return "up" if drift.whole > 0 else "down"
    reach = max(abs(drift.whole_low), abs(drift.whole_high))
    if reach == 0:
        return "same" if drift.since == drift.first else "settled" if drift.since else "often"
    return "steady" if reach <= steady else "unclear"


def _either(report: Report, low: float, high: float) -> str:
    """One amount, or a range of amounts."""
    return report.words.money(low) if low == high else report.words.money_range((low, high))


def _span(report: Report, group: str, drift) -> str:
    """How far the purchase may have gone either way, in words: less than NEAR is no way at all, and what may have
    doubled or halved to nothing is not measured."""
    if max(-drift.whole_low, drift.whole_high) >= 1:
        return phrase(report, group, "span_wide")
    down, up = drift.whole_low < -NEAR, drift.whole_high > NEAR
    side = "both" if down and up else "down" if down else "up"
    return phrase(report, group, f"span_{side}", down=abs(drift.whole_low), up=abs(drift.whole_high))


# --- by segment ---
def segments(report: Report, matched, table: pd.DataFrame | None, days: int) -> View:
    """Three indicators of each segment beside one another. table : `repeat.by_segment`."""
    group = f"{GROUP}.segments"
    if table is None or len(table) < 2:
        return View()
    frame = table.assign(
        label=[report.words.group(name) for name in table.index], known=table["trials"],
        drift=[_drift(report, row) for row in table.itertuples()],
        back=[_share(report, *row) for row in zip(table["hits"], table["trials"], table["high"], strict=True)],
        gone=[
            _share(report, *row)
            for row in zip(table["returned"], table["bought"], table["return_high"], strict=True)
        ],
    )  # fmt: skip
    frame["median"] = frame["median"].where(frame["purchases"] >= FEW)
    kinds = {"label": "text", "clients": "count", "back": "text", "purchases": "count", "median": "money",
             "drift": "text", "gone": "text"}  # fmt: skip
    if not table["returned"].any():  # whether returns are exported at all is not known
        del kinds["gone"]
    if not table["clients"].any():
        del kinds["clients"], kinds["back"]
    who = "buyers" if matched.basis == "won" else "clients"
    heads = columns(report, kinds, label="segment", clients=who, gone="return_share", back="back_share")
    shown = Table("segments", frame, heads, phrase(report, group, "table", days=days))
    return View(phrase(report, group, "heading"), table=shown, note=basis_note(report, matched))


def _share(report: Report, hits: int, trials: int, high: float) -> str:
    """A share with its counts; counts alone where they are few, and a bound where there is no hit."""
    counts = phrase(report, f"{GROUP}.segments", "of", hits=hits, trials=trials)
    if trials < FEW:
        return counts if trials else numbers.NONE
    if hits:
        return f"{report.words.percent(hits / trials)} ({counts})"
    return phrase(report, f"{GROUP}.segments", "of_none", hits=hits, trials=trials, high=max(high, LEAST))


def _drift(report: Report, row) -> str:
    """What the typical purchase of a segment does, in whole percent; a range that reaches HUNDRED says nothing."""
    if row.status != "ok":
        return phrase(report, f"{GROUP}.segments", "drift_few")
    low, high, change = (value * HUNDRED for value in (row.change_low, row.change_high, abs(row.change)))
    if not row.moves and max(abs(low), abs(high)) >= HUNDRED:
        return phrase(report, f"{GROUP}.segments", "drift_wide")
    if not row.moves:
        return phrase(report, f"{GROUP}.segments", "drift_none", low=low, high=high)
    return phrase(report, f"{GROUP}.segments", f"drift_{'up' if row.change > 0 else 'down'}", change=change)


# --- returns ---
def returns(
    report: Report, matched, whole: pd.DataFrame | None, rest: pd.DataFrame | None, by_month: pd.DataFrame | None
) -> View:  # fmt: skip
    """How much goes back. whole, by_month : `repeat.returns`; rest : by segment, through `contrast.against_rest`."""
    group, least = f"{GROUP}.returns", report.audit.thresholds.min_group
    trials = 0 if whole is None or whole.empty else int(whole["trials"].iloc[0])
    if not is_bank(matched):  # nothing else notes a return
        return View()
    if not trials:
        return View(finding=missing(report, group, "cash_returns", "data"))
    row, (worst, _) = whole.iloc[0], _named(rest)
    values = {
        name: row[name] for name in ("trials", "hits", "full", "share", "returned", "money_share", "high")
    }
    values |= {"interval": (row["low"], row["high"]), "need": least, "high": max(row["high"], LEAST)}
    if not row["returned"]:
        finding = state(report, group, "cash_returns", "data", variant="none", status="cannot_tell", **values)
    elif trials < least:
        finding = state(
            report, group, "cash_returns", "product", variant="few", status="cannot_tell", **values
        )
    else:
        variant = "named" if worst is not None else "" if row["hits"] else "alone"
        if worst is not None:
            own = rest.loc[worst]
            values |= {"segment": report.words.group(worst), "own": own["share"], "own_hits": own["hits"],
                       "own_trials": own["trials"]}  # fmt: skip
        number = Number(row["share"], "share", row["low"], row["high"], trials)
        finding = state(report, group, "cash_returns", "product", number, variant=variant, **values)
    figure = _shares(report, group, rest) if rest is not None and len(rest) > 1 and row["hits"] else None
    tables = [_month_returns(report, by_month)] if row["hits"] else []
    alone = phrase(report, group, "alone", alone=row["alone"]) if row["alone"] else ""
    note = " ".join(filter(None, [basis_note(report, matched), alone]))
    return View(finding=finding, figure=figure, tables=tables, note=note)


def _month_returns(report: Report, by_month: pd.DataFrame) -> Table:
    ends = list(zip(by_month["low"], by_month["high"], strict=True))
    frame = by_month.assign(known=by_month["trials"], interval=ends)
    kinds = {"month": "month", "trials": "count", "hits": "count", "share": "share", "interval": "percent_range",
             "gross": "money", "returned": "money"}  # fmt: skip
    heads = columns(report, kinds, trials="purchases", hits="with_return", share="return_share")
    return Table("returns", frame.reset_index(), heads, phrase(report, f"{GROUP}.returns", "table"))


def _named(rest: pd.DataFrame | None) -> tuple[object, object]:
    """The groups that the report may name: of the highest share, and of the lowest; None where there is none."""
    if rest is None:
        return None, None
    found = rest[rest["named"] & rest.index.notna()]
    above, below = found[found["difference"] > 0], found[found["difference"] < 0]
    weight = found["difference"] * found["trials"]
    most = above.loc[weight[above.index].sort_values(ascending=False, kind="stable").index]
    least = below.loc[weight[below.index].sort_values(kind="stable").index]
    return (most.index[0] if len(most) else None), (least.index[0] if len(least) else None)


def _shares(report: Report, group: str, rest: pd.DataFrame) -> Figure:
    rows = rest[rest["trials"] >= FEW].sort_values("share", ascending=False, kind="stable").head(SHOWN)
    worst, best = _named(rest)
    frame = rows.assign(
        label=[report.words.group(name) for name in rows.index], known=rows["trials"],
        named=[name in (worst, best) and not pd.isna(name) for name in rows.index],
        enough=rows["trials"] >= report.audit.thresholds.min_group,
    )  # fmt: skip
    caption = phrase(report, group, "caption", min_group=report.audit.thresholds.min_group)
    return Figure(charts.shares, frame, phrase(report, group, "title"), caption)


# --- channels ---
def channels(
    report: Report, matched, table: pd.DataFrame | None, rest: pd.DataFrame | None, days: int
) -> View:
    """Which channel brings clients who pay and come back. table : `repeat.channels`; rest : its known clients through
    `contrast.against_rest`."""
    group, least = f"{GROUP}.channels", report.audit.thresholds.min_group
    if table is None or not table.loc[~table["nobody"], "persons"].any():
        return View()  # `returning` says why
    if not table.index[~table["nobody"] & (table["clients"] > 0)].notna().any():
        return View(finding=missing(report, group, "cash_channels", "data"))
    finding = _channel_finding(report, group, rest, days)
    known = table[~table["nobody"]].join(rest[["share", "low", "high", "named", "difference", "compared"]])
    frame = pd.concat([known, table[table["nobody"]]])
    frame = frame.assign(
        label=[_channel_name(report, name, nobody) for name, nobody in zip(frame.index, frame["nobody"], strict=True)],
        known=frame["trials"], interval=list(zip(frame["low"], frame["high"], strict=True)),
    )  # fmt: skip
    frame["per_client"] = frame["per_client"].where((frame["clients"] >= FEW) & ~frame["nobody"])
    frame["margin_per_client"] = frame["margin_per_client"].where(frame["with_margin"] >= FEW)
    frame["verdict"] = [_side(report, row, least) for row in frame.itertuples()]
    frame["back"] = [
        _share(report, *row) for row in zip(frame["hits"], frame["trials"], frame["high"], strict=True)
    ]
    kinds = {"label": "text", "clients": "count", "amount": "money", "per_client": "money",
             "margin_per_client": "money", "back": "text", "interval": "percent_range", "verdict": "text"}  # fmt: skip
    if not (frame["with_margin"] > 0).any():
        del kinds["margin_per_client"]
    names = {"payments": ("net", "clients"), "paid_field": ("paid", "clients"), "won": ("won", "buyers")}
    amount, who = names[matched.basis]
    heads = columns(report, kinds, label="channel", amount=amount, clients=who, back="back_share")
    bold = frame["named"].fillna(False).astype(bool)
    shown = Table("channels", frame, heads, phrase(report, group, "table", days=days), bold=bold)
    figure = _shares(report, group, rest) if len(rest) > 1 else None
    return View(finding=finding, figure=figure, table=shown, note=basis_note(report, matched))


def _channel_finding(report: Report, group: str, rest: pd.DataFrame, days: int) -> Finding:
    """Name the channel whose clients come back more, or less, often than the others'; or say that none can be."""
    more, less = _named(rest)
    name, compared = (less if more is None else more), 0 if rest.empty else int(rest["compared"].max())
    if name is None:
        values = {"need": report.audit.thresholds.min_group, "compared": compared, "days": days}
        variant = "even" if compared else "few"
        return state(
            report, group, "cash_channels", "marketing", variant=variant, status="cannot_tell", **values
        )
    own = rest.loc[name]
    number = Number(own["share"], "share", own["low"], own["high"], int(own["trials"]))
    return state(
        report, group, "cash_channels", "marketing", number, variant="worse" if more is None else "",
        channel=report.words.group(name), share=own["share"], interval=(own["low"], own["high"]), hits=own["hits"],
        trials=own["trials"], rest=own["rest_share"], difference=abs(own["difference"]), compared=compared, days=days,
    )  # fmt: skip


def _channel_name(report: Report, name: object, nobody: bool) -> str:
    return phrase(report, f"{GROUP}.channels", "nobody") if nobody else report.words.group(name)


def _side(report: Report, row, least: int) -> str:
    group = f"{GROUP}.channels"
    if row.nobody or pd.isna(row.Index) or not row.compared:
        return ""
    if not row.trials >= least:
        return phrase(report, group, "small")
    if row.named is not True:
        return phrase(report, group, "not_named")
    return phrase(report, group, "more" if row.difference > 0 else "less")
