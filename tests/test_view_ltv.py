"""What the notebook on client value says: no infinity, no number without its base, nothing where nothing is known."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from inspect import isfunction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bought
import hand_made
import view_checks
from detente import intake
from detente.audit import Audit
from detente.intake import Tables
from detente.metrics import (
    claims,
    client_base,
    cohorts,
    definitions,
    examples_ltv,
    foretold,
    lifetime,
    ltv,
    qualification,
    renewals,
    totals,
    trust,
)  # fmt: skip
from detente.present import report as page
from detente.present.findings import Finding
from detente.schema import LossLog, SourceCount

NOTEBOOK = hand_made.NOTEBOOKS / "11_ltv_pitfalls.ipynb"
METRICS = (
    claims, client_base, cohorts, definitions, examples_ltv, foretold, lifetime, ltv, qualification, renewals, totals,
    trust,
)  # fmt: skip
IDS = {"ltv_definitions", "ltv_seed_bias", "ltv_cohorts", "ltv_payback", "ltv_models", "ltv_judge"}
ONLY = {"ltv_definitions"}  # what is missing is said once
BLAME = re.compile(r"вин[ао]ват|плох|слаб|обвин|fault|blame|bad |poor|weak", re.I)
BROKEN = re.compile(r"\bnan\b|\binf\b|infinit|бесконечн|None\b|NaT|\{\w*\}|− ?0 ₽", re.I)


def sent(rows: list[dict], channel: str, free: str = "Word of mouth", every: int = 3) -> list[dict]:
    """The same purchases; of every so many clients one was won by `channel`, the others came for free."""
    return [{**row, "origin": free if int(row["client"][1:]) % every else channel} for row in rows]


def drawn(clients: int, mean_pause: float, stays: float, seed: int = 1, first: int = 500) -> list[dict]:
    """Clients who arrive over `first` days before June's end, and buy again while they stay, at a pace of their own."""
    random, rows = np.random.default_rng(seed), []
    start = bought.AS_OF - dt.timedelta(days=first)
    for order in range(clients):
        day, pace = start + dt.timedelta(days=int(random.integers(0, first))), random.gamma(2, mean_pause / 2)
        value = random.gamma(6, 1500)
        while day <= bought.AS_OF:
            amount = round(float(random.gamma(8, value / 8)), 2)
            rows.append(
                {"client": f"c{order}", "deal": f"d{len(rows)}", "bought_at": str(day), "amount": amount}
            )
            if random.random() > stays:
                break
            day += dt.timedelta(days=1 + int(random.exponential(pace)))
    return rows


def monthly(clients: int, leave: float = 0.12, seed: int = 2, arrive: int = 18) -> list[dict]:
    """A subscription: a payment every month until the client leaves; some leave sooner than others."""
    random, rows = np.random.default_rng(seed), []
    for order in range(clients):
        month, chance = int(random.integers(0, arrive)), float(random.beta(2, 2 / leave))
        while month < 18:
            day = dt.date(2025 + month // 12, month % 12 + 1, 1 + order % 28)
            rows.append({"client": f"c{order}", "bought_at": str(day), "amount": 900})
            if random.random() < chance:
                break
            month += 1
    return rows


@dataclass
class Made:
    """Purchases, advertising, and what the audit states of money."""

    rows: list[dict] | None
    margin: float | None = 0.4
    economics: dict[str, Any] = field(default_factory=dict)
    exported: bool = True  # payments; else purchases are made of won deals
    spend: list | None = field(default_factory=lambda: [("2025-07-01", "Ads", 4e5), ("2026-06-30", "Ads", 0)])
    costs: list[tuple[str, str, float]] | None = None
    vat: float = 0.0

    def tables(self, folder: Path) -> Tables:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        audit = Audit.model_validate({**hand_made.AUDIT, "economics": self.economics, "path": path})
        inquiries = bought.inquiries([{"lead_id": "L1", "created_at": "2025-07-02"}])
        return Tables(
            audit, bought.AS_OF, dt.date(2025, 7, 1), bought.AS_OF, inquiries, inquiries,
            LossLog((SourceCount("deals", "deals.csv", "ab" * 32, 1, 1, 0, 0),), ()),
            spend=None if self.spend is None else bought.spend(self.spend).mutate(vat=lambda t: t.cost * self.vat),
            costs=None if self.costs is None else expenses(self.costs),
            payments=bought.purchases(self.rows) if self.rows and self.exported else None,
            purchases=None if self.rows is None else bought.purchases(self.rows, self.margin),
        )  # fmt: skip


def once(clients: int, months: int = 12) -> list[dict]:
    """Clients who buy once, each month the same number of them; three of them come back in the last month."""
    rows = []
    for order in range(clients):
        month = order * months // clients
        day = dt.date(2025 + (6 + month) // 12, (6 + month) % 12 + 1, 1 + order % 28)
        rows.append(
            {"client": f"c{order}", "deal": f"d{order}", "bought_at": str(day), "amount": 1000 + month * 500}
        )
    return rows + [
        {"client": f"c{n}", "deal": f"e{n}", "bought_at": "2026-06-05", "amount": 900} for n in range(3)
    ]


def expenses(rows: list[tuple[str, str, float]]):
    """Costs of the company from (day, kind, amount)."""
    kinds = {"period": pa.date32(), "article": pa.string(), "kind": pa.string(), "amount": bought.MONEY}
    made = [
        {"period": dt.date.fromisoformat(day), "article": kind, "kind": kind, "amount": amount}
        for day, kind, amount in rows
    ]
    return bought.table(made, kinds)


NAMES = view_checks.SCRIPT
REPEAT = drawn(
    100, 40, 0.75, first=250
)  # too few for a model and too short a history for a judge: both take seconds
CASES = {
    "many who come back": Made(drawn(420, 60, 0.75), economics={"claimed": {"ltv": 30000}}),
    "few, and advertising before any of them": Made(drawn(12, 60, 0.7), spend=[("2024-01-01", "Ads", 5e4)]),
    "one-off purchases": Made(drawn(150, 60, 0.05), economics={"model": "one_off"}),
    "a subscription": Made(
        monthly(420, 0.25, arrive=7), economics={"model": "subscription", "staff": {"agency": 3000}}
    ),
    "a young subscription": Made(monthly(40), economics={"model": "subscription"}),
    "no payments": Made(None),
    "nobody knows whose": Made([{"client": None, "bought_at": "2026-05-05", "amount": 700}]),
    "deals instead of money, without a margin": Made(REPEAT, margin=None, exported=False),
    "dear clients": Made(REPEAT, spend=[("2025-07-01", "Ads", 9e6), ("2026-06-30", "Ads", 0)]),
    "only returns": Made([*REPEAT, *({**row, "deal": None, "amount": -row["amount"]} for row in REPEAT)]),
    "some won by ads": Made(
        sent(drawn(240, 60, 0.5, first=250), "Ads", NAMES),
        costs=[("2026-01-31", "sales", 3e5), ("2026-02-28", "overhead", 9e9)],
        spend=[("2025-07-01", "Ads", 9e5), ("2026-06-30", "Ads", 0)], vat=1 / 6,
    ),
    "ads won nobody": Made(sent(REPEAT, "Radio")),
    "no person in any export": Made(
        [{**row, "client": row["deal"]} for row in REPEAT], margin=None, exported=False
    ),
    "three of many came back": Made(once(480), margin=None),
    "a short history without spend": Made(drawn(150, 20, 0.8, first=80), spend=None),
}  # fmt: skip


@dataclass
class Told:
    findings: dict[str, Finding]
    text: str
    names: dict[str, Any]


def _run(made: Made, language: str, folder: Path, output: str) -> dict[str, Any]:
    """The notebook's cells, run in this process."""
    names: dict[str, Any] = {}
    for item in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if item["cell_type"] == "code":
            exec(compile("".join(item["source"]), NOTEBOOK.name, "exec"), names)
            if "parameters" in item["metadata"].get("tags", []):
                names |= {"language": language, "output": output}
    return names


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, dict[str, Told]]:
    """Every case in both languages; the second time the metrics give what they gave the first."""
    found: dict[str, dict[str, Told]] = {}
    with pytest.MonkeyPatch.context() as patch:
        memory = hand_made.Memory()
        for module in METRICS:
            for name, function in list(vars(module).items()):
                if (
                    isfunction(function)
                    and function.__module__ == module.__name__
                    and not name.startswith("_")
                ):
                    patch.setattr(module, name, memory.kept(function))
        for case, made in CASES.items():
            folder = tmp_path_factory.mktemp("ltv")
            tables = made.tables(folder)
            memory.results, memory.replays, found[case] = {}, False, {}
            for language in ("en", "ru"):
                bundles: list[dict] = []
                patch.setattr(intake, "load", lambda *_, tables=tables: (tables, tables.loss))
                patch.setattr(page, "display", lambda bundle, raw, kept=bundles: kept.append(bundle))
                patch.setattr(page.pieces, "png", lambda figure, words: b"")
                drawing = case == "many who come back" and language == "ru"
                names = _run(made, language, folder, str(folder / "out") if drawing else "")
                text = [b.get("text/html", "") + b.get(page.MIME, {}).get("html", "") for b in bundles]
                items = {item.id: item for item in names["report"].findings}
                found[case][language] = Told(items, "\n".join(text), names)
                memory.replays = True
    return found


@pytest.mark.parametrize("case", CASES)
def test_nothing_infinite_undefined_or_broken_is_printed(told, case) -> None:
    for one in told[case].values():
        plain = re.sub("<[^>]*>", " ", one.text)
        view_checks.filled(plain, one.findings.values())
        assert BROKEN.search(plain) is None
        assert BLAME.search(one.text) is None
        assert view_checks.SCRIPT not in one.text


@pytest.mark.parametrize("case", CASES)
def test_a_finding_is_whole_and_says_its_number_and_base_in_both_languages(told, case) -> None:
    kept = {language: list(one.findings.values()) for language, one in told[case].items()}
    view_checks.same(kept["en"], kept["ru"])
    for language, findings in kept.items():
        view_checks.whole(findings)
        view_checks.number_said(findings, language)
        view_checks.base_said(findings)


@pytest.mark.parametrize("case", CASES)
def test_no_number_is_called_a_share_that_is_not_hits_of_its_base(told, case) -> None:
    for item in told[case]["en"].findings.values():
        assert item.unit in ("money", "percent", "times", "months", "")


@pytest.mark.parametrize("case", [case for case in CASES if case != "one-off purchases"])
def test_each_section_says_something_and_what_is_missing_is_said_once(told, case) -> None:
    one = told[case]["ru"]
    renewed = {"ltv_renewals"} if "subscription" in case else set()
    wanted = IDS | renewed if one.names["brought"].clients else ONLY
    assert set(one.findings) - {"ltv_claimed"} == wanted


def status(told, case: str) -> dict[str, str]:
    return {name: item.status for name, item in told[case]["en"].findings.items()}


def test_many_clients_get_every_definition_a_model_and_a_judge(told) -> None:
    one = told["many who come back"]["en"]
    assert {one.findings[name].status for name in IDS} == {"ok"}
    rows = one.names["rows"].set_index("definition")
    assert rows["status"].isin(["ok", "other_model"]).all()
    assert one.findings["ltv_definitions"].value == pytest.approx(one.names["apart"].times)
    assert one.findings["ltv_definitions"].n == 6
    assert one.findings["ltv_judge"].value == one.names["trusted"].rows["typical"].min()
    assert "<svg" in told["many who come back"]["ru"].text


def test_one_off_purchases_are_told_by_profit_per_client_and_no_lifetime_value(told) -> None:
    one = told["one-off purchases"]["en"]
    assert set(one.findings) == {"ltv_definitions", "ltv_cohorts", "ltv_payback"}
    profit, cost = one.names["deal"].value, one.names["cost"].paid
    assert one.findings["ltv_definitions"].value == pytest.approx(profit - cost)
    assert "No LTV is reckoned" in one.findings["ltv_definitions"].fact


def test_a_subscription_is_told_by_its_own_model_and_full_cost(told) -> None:
    rows = told["a subscription"]["en"].names["rows"].set_index("definition")
    assert (rows.loc["sbg", "status"], rows.loc["bgnbd", "status"]) == ("ok", "other_model")
    assert told["a subscription"]["en"].names["cost"].full > told["a subscription"]["en"].names["cost"].paid


def test_clients_won_by_ads_are_told_before_the_average_that_free_ones_flatter(told) -> None:
    one = told["some won by ads"]["en"]
    whole, ads, item = one.names["cost"], one.names["ad_cost"], one.findings["ltv_payback"]
    firsts = dict(reversed([(row["client"], row["bought_at"]) for row in CASES["some won by ads"].rows]))
    new = {who for who, day in firsts.items() if day >= "2025-07-01"}
    assert (whole.new, ads.new) == (len(new), sum(int(who[1:]) % 3 == 0 for who in new))
    assert ads.paid == pytest.approx(750000 / ads.new)
    assert whole.full == pytest.approx((750000 + 300000) / whole.new)
    assert ads.full == pytest.approx(ads.paid + 300000 / whole.new)
    assert item.headline.startswith("A client won by ads")
    assert item.fact.index("won by ads costs") < item.fact.index("an average that flatters advertising")
    assert item.fact.count("without VAT") == 3
    assert "Salaries and agencies are not stated" not in one.text
    assert "without VAT" not in told["many who come back"]["en"].text


def test_advertising_that_won_nobody_pays_nothing_back_though_the_average_does(told) -> None:
    item = told["ads won nobody"]["en"].findings["ltv_payback"]
    assert item.status == "cannot_tell"
    assert "nobody first asked by it" in item.fact
    assert "flatters" in item.fact


def test_where_subscribers_leave_ever_less_often_the_first_months_churn_is_held_against_what_followed(
    told,
) -> None:
    item = told["a subscription"]["en"].findings["ltv_renewals"]
    rules = told["a subscription"]["en"].names["followed"].set_index("predictor")
    assert item.status == "ok"
    assert "first month understates" in item.headline
    assert rules.loc["first_churn", "error"] < -0.05
    assert rules.loc["sbg", "rank"] <= 2
    assert item.n == told["a subscription"]["en"].names["lived"][0]
    assert told["a young subscription"]["en"].findings["ltv_renewals"].status == "cannot_tell"


@pytest.mark.parametrize("case", ["no payments", "nobody knows whose", "no person in any export"])
def test_without_clients_one_section_names_the_export_that_is_missing(told, case) -> None:
    assert set(status(told, case).values()) == {"not_available"}
    need = "the deal or the client" if case == "no payments" else "The client of each deal or payment"
    assert all(need in item.fact for item in told[case]["en"].findings.values())


def test_revenue_pays_nothing_back(told) -> None:
    found = told["deals instead of money, without a margin"]["en"].findings
    assert found["ltv_payback"].status == "not_available"
    assert "margin" in found["ltv_payback"].fact
    assert found["ltv_cohorts"].status == "ok"
    assert "of deal amount" in found["ltv_cohorts"].fact
    assert "of revenue" in told["three of many came back"]["en"].findings["ltv_cohorts"].fact
    assert status(told, "a short history without spend")["ltv_payback"] == "not_available"


def test_a_client_who_has_not_paid_back_gets_no_month(told) -> None:
    item = told["dear clients"]["en"].findings["ltv_payback"]
    assert (item.status, item.unit) == ("ok", "percent")
    assert item.value < 1
    assert "does not pay back" in item.headline
    none = told["few, and advertising before any of them"]["en"].findings["ltv_payback"]
    assert none.status == "cannot_tell"
    assert "more than" in none.fact


def test_amounts_of_deals_are_never_passed_off_as_money(told) -> None:
    assert "amount of a deal is not money" in told["deals instead of money, without a margin"]["en"].text
    assert "amount of a deal is not money" not in told["many who come back"]["en"].text


def test_deals_without_a_person_are_not_counted_as_clients(told) -> None:
    one = told["no person in any export"]["ru"]
    assert [item.headline for item in one.findings.values()] == ["Кто клиент, в выгрузке не видно"]
    assert one.names["brought"].clients == one.names["cost"].new == 0
    assert "<svg" not in one.text


def test_three_purchases_judge_no_forecast_and_one_way_has_no_spread(told) -> None:
    one = told["three of many came back"]["en"]
    item = one.findings["ltv_judge"]
    assert (item.status, one.names["trusted"].status) == ("cannot_tell", "few_orders")
    assert "bought again 3\xa0times" in item.fact or "bought again 3 times" in item.fact
    assert "30 purchases are needed" in item.fact.replace("\xa0", " ")
    assert one.names["apart"].answers == 1
    assert "LTV answers apart" not in one.text
    assert "LTV answers apart" in told["many who come back"]["en"].text


def test_a_sum_over_ages_says_what_those_who_lived_so_long_brought_themselves(told) -> None:
    one = told["three of many came back"][
        "en"
    ]  # who came in the first months paid 1 000 … 2 000, the last ones 6 500
    item, reached = one.findings["ltv_cohorts"], one.names["brought"]
    assert reached.mixed
    assert (reached.first, reached.clients) == (480, 40)
    assert reached.own == pytest.approx(1000 + 3 * 900 / 40)
    assert "newer ones bring more" in item.headline
    assert "lower bound" not in item.fact
    assert "if newer clients stay as they are" in one.findings["ltv_definitions"].headline


def test_few_clients_are_told_how_many_more_are_needed(told) -> None:
    found = told["few, and advertising before any of them"]["en"].findings
    assert found["ltv_cohorts"].status == "cannot_tell"
    assert found["ltv_models"].status == "cannot_tell"
    assert "18" in found["ltv_cohorts"].fact
    assert "288" in found["ltv_models"].fact


def test_a_young_subscription_gets_no_model_and_no_question(told) -> None:
    item = told["a young subscription"]["en"].findings["ltv_models"]
    assert (item.status, item.question) == ("cannot_tell", "")
    assert "260 more clients" in item.fact


def test_a_short_history_is_not_judged(told) -> None:
    item = told["a short history without spend"]["en"].findings["ltv_judge"]
    assert item.status == "cannot_tell"
    assert "months more are needed" in item.fact or "month more are needed" in item.fact
