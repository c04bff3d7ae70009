"""11: which definition would have foretold the money that really followed; a plain average included."""

from __future__ import annotations

import pandas as pd

from detente.present import charts_money
from detente.present.pieces import Column, Figure, Table
from detente.present.report import Report, View
from detente.present.section import Number, phrase, state
from detente.present.view_ltv import GROUP as PAGE

GROUP = f"{PAGE}.judge"
FAR = 3.0  # a forecast this many times what came is written at the edge of the picture
ABSURD = 10.0  # an error of so many times what came is told in times: nobody reads thousands of percent


def judge(report: Report, model: str, past, trust, rolled: pd.DataFrame) -> View:
    """Whom to trust here. past : `client_base.history`; rolled : `foretold.rolling`; trust : `trust.trust` of it."""
    ident = "ltv_judge"
    if model == "one_off":
        return View()
    if past.first is None:
        return View()  # the first section says what is missing
    if trust.status == "short":
        return View(finding=state(report, GROUP, ident, "data", variant="short", status="cannot_tell",
                                  months=past.months, needed=past.needed))  # fmt: skip
    least = report.audit.thresholds.cohort_clients
    if past.earlier < least:
        few = {"variant": "few", "status": "cannot_tell"}
        return View(
            finding=state(
                report, GROUP, ident, "data", clients=past.earlier, needed=least - past.earlier, **few
            )
        )
    told = {"folds": trust.folds, "horizon": trust.horizon, "cut": trust.cut}
    if trust.status == "few_orders":
        few = {"orders": trust.orders, "least": report.audit.thresholds.min_group, **told}
        thin = {"variant": "few_orders", "status": "cannot_tell"}
        return View(finding=state(report, GROUP, ident, "data", **thin, **few))
    if trust.status in ("no_money", "no_forecast"):
        empty = {"variant": trust.status, "status": "cannot_tell"}
        return View(finding=state(report, GROUP, ident, "data", **empty, **told))
    finding = _finding(report, ident, trust, told)
    near = ", ".join(report.words.t("common.quoted", name=_name(report, item)) for item in trust.near)
    notes = [phrase(report, GROUP, "near", names=near)] if near and trust.status == "ok" else []
    few = {"skipped": trust.skipped, "least": report.audit.thresholds.min_group}
    notes += [phrase(report, GROUP, "skipped", **few)] if trust.skipped else []
    figure = _figure(report, trust, rolled[rolled["cut"].isin(trust.kept)])
    return View(finding=finding, figure=figure, tables=_tables(report, trust), note=" ".join(notes))


def _name(report: Report, predictor: str) -> str:
    return phrase(report, f"{GROUP}.name", predictor)


def _finding(report: Report, ident: str, trust, told: dict):
    """The way to trust, with what it foretold and what came; or that none is good enough."""
    rows = trust.rows.set_index("predictor")
    best, worst = rows.loc[trust.best], rows[rows["folds"] == trust.folds].iloc[-1]
    far = trust.typical > ABSURD
    number = Number(trust.typical, "times" if far else "percent", n=trust.folds)
    variant = "none" if trust.status == "none" else "run_rate" if trust.best == "run_rate" else "model"
    variant += "_far" if far else "_one" if trust.folds == 1 else ""
    return state(
        report, GROUP, ident, "ceo", number, variant=variant, status="ok", best=_name(report, trust.best),
        typical=trust.typical, predicted=best["predicted"], actual=best["actual"], off=abs(best["error"]),
        worst=_name(report, worst.name), worst_predicted=worst["predicted"],
        side=phrase(report, GROUP, "above" if best["error"] > 0 else "below"), **told,
    )  # fmt: skip


def _figure(report: Report, trust, rolled: pd.DataFrame) -> Figure:
    """Forecast over what came at each cut; 1 is a hit."""
    known = rolled[rolled["error"].notna()].sort_values("cut", ascending=False)
    known = known.assign(times=known["error"].astype(float) + 1)
    ends = known.groupby("predictor")["times"].agg(["min", "max", "size"])
    order = {item: place for place, item in enumerate(trust.rows["predictor"])}
    known = known.sort_values("predictor", key=lambda names: names.map(order), kind="stable")
    frame = pd.DataFrame({
        "label": [_name(report, item) for item in known["predictor"]], "n": known["predictor"].map(ends["size"]),
        "low": known["predictor"].map(ends["min"]), "high": known["predictor"].map(ends["max"]),
        "mark": [phrase(report, GROUP, "mark", cut=day) for day in known["cut"]], "value": known["times"],
        "named": (known["predictor"] == trust.best) & (trust.status == "ok"), "kind": "times", "line": 1.0,
        "line_name": phrase(report, GROUP, "hit"), "clip": known["times"] > FAR,
    })  # fmt: skip
    caption = phrase(report, GROUP, "caption", horizon=trust.horizon)
    return Figure(charts_money.ranges, frame.reset_index(drop=True), phrase(report, GROUP, "title"), caption)


def _tables(report: Report, trust) -> list[Table]:
    """The forecasts of the latest cut with their errors; and what each way does, or why it gave no number."""
    frame = trust.rows.assign(
        label=[_name(report, item) for item in trust.rows["predictor"]],
        remark=[_remark(report, row) for row in trust.rows.itertuples()],
        checked=[phrase(report, GROUP, "checked", some=n, folds=trust.folds) for n in trust.rows["folds"]],
    )
    told, kinds = frame[frame["folds"] > 0], {"label": "text", "predicted": "money", "actual": "money"}
    kinds |= {"error": "percent", "typical": "percent"} if trust.folds > 1 else {"error": "percent"}
    kinds |= {"checked": "text"} if (told["folds"] < trust.folds).any() else {}
    told = _readable(report, told, kinds)
    caption = phrase(report, GROUP, "table", horizon=trust.horizon, cut=trust.cut)
    bold = told["predictor"] == trust.best if trust.status == "ok" else None
    known = phrase(report, GROUP, "table_known")
    return [
        Table("judge", told, _columns(report, kinds), caption, bold),
        Table("judge_known", frame, _columns(report, {"label": "text", "remark": "text"}), known),
    ]


def _readable(report: Report, rows: pd.DataFrame, kinds: dict) -> pd.DataFrame:
    """Errors that no longer read as percent are told in times, and their columns in `kinds` become text."""

    def told(key: str, error: float) -> str | None:
        if pd.isna(error):
            return None
        if error > ABSURD:
            return phrase(report, GROUP, "far", key, times=round(error + (key == "error")))
        return report.words.percent(error)

    for key in [key for key, kind in kinds.items() if kind == "percent" and rows[key].max() > ABSURD]:
        rows, kinds[key] = rows.assign(**{key: [told(key, error) for error in rows[key]]}), "text"
    return rows


def _columns(report: Report, kinds: dict) -> list[Column]:
    return [Column(key, phrase(report, f"{GROUP}.columns", key), kind) for key, kind in kinds.items()]


def _remark(report: Report, row) -> str:
    """What the way does; or why it gave no number."""
    if row.status == "ok":
        return phrase(report, f"{GROUP}.remark", row.predictor)
    return phrase(report, f"{GROUP}.why", row.status)


# --- subscriptions: who foretells renewals ---
def renewals(report: Report, model: str, survivors: list[int], trust) -> View:
    """Which rule of churn, or the model, foretold how long subscribers stayed.

    survivors : `renewals.pooled`, of the clients judged by; trust : `trust.trust` of `renewals.follow`.
    """
    group, ident = f"{GROUP}.renewals", "ltv_renewals"
    if model != "subscription":
        return View()
    least = report.audit.thresholds.cohort_clients
    clients = survivors[0] if survivors else 0
    if trust.status == "short" or clients < least:
        variant = {"variant": "few" if survivors else "short", "status": "cannot_tell"}
        return View(
            finding=state(
                report, group, ident, "data", clients=clients, needed=max(least - clients, 1), **variant
            )
        )
    if trust.status in ("no_money", "no_forecast"):
        return View(finding=state(report, group, ident, "data", variant="nobody", status="cannot_tell",
                                  clients=clients, horizon=trust.horizon))  # fmt: skip
    rows = trust.rows.set_index("predictor")
    best, first = rows.loc[trust.best], rows.loc["first_churn"]
    told = {"clients": clients, "seen": int(trust.cut), "horizon": trust.horizon, "actual": best["actual"],
            "best": _rule(report, trust.best), "predicted": best["predicted"], "off": abs(best["error"]),
            "side": phrase(report, GROUP, "above" if best["error"] > 0 else "below"), "early": first["predicted"],
            "early_off": abs(first["error"])}  # fmt: skip
    variant = "none" if trust.status == "none" else "early" if _short(first, report) else ""
    number = Number(trust.typical, "percent", n=clients)
    finding = state(report, group, ident, "ceo", number, variant=variant, **told)
    near = ", ".join(report.words.t("common.quoted", name=_rule(report, item)) for item in trust.near)
    note = phrase(report, GROUP, "near", names=near) if near and trust.status == "ok" else ""
    return View(finding=finding, table=_rules(report, group, trust), note=note)


def _short(first: pd.Series, report: Report) -> bool:
    """Whether the churn of the first month, taken for ever, promised too little."""
    return bool(first["error"] < -report.audit.thresholds.material)


def _rule(report: Report, predictor: str) -> str:
    return phrase(report, f"{GROUP}.renewals.name", predictor)


def _rules(report: Report, group: str, trust) -> Table:
    """What each rule foretold in months lived by all these clients together."""
    told = trust.rows[trust.rows["folds"] > 0]
    frame = told.assign(label=[_rule(report, item) for item in told["predictor"]])
    kinds = {"label": "text", "predicted": "count", "actual": "count", "error": "percent"}
    heads = [Column(key, phrase(report, f"{group}.columns", key), kind) for key, kind in kinds.items()]
    frame = frame.assign(predicted=frame["predicted"].round(), actual=frame["actual"].round())
    bold = frame["predictor"] == trust.best if trust.status == "ok" else None
    return Table("renewals", frame, heads, phrase(report, group, "table", horizon=trust.horizon), bold)
