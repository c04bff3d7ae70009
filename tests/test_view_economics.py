"""What the notebook of unit economics says of thin, odd and hostile data, in both languages: true words, no holes."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from inspect import isfunction
from typing import Any

import pytest

import bought
import hand_made
import view_checks
from detente import engine, intake
from detente.audit import Audit
from detente.metrics import ad_days, cheap_leads, economics, qualification, returning, unit_costs
from detente.present import report as page
from detente.present import view_economics
from detente.present.findings import Finding
from detente.schema import LossLog, SourceCount
from view_checks import SCRIPT

AS_OF, SINCE = bought.AS_OF, dt.date(2026, 1, 1)
EARLY, LATE = "2026-02-01", "2026-05-01"
SPEND = [(day, "ads", 50_000) for day in (EARLY, LATE)]
IDS = {
    "unit_segments", "unit_channels", "unit_months", "unit_unmatched", "unit_cpl_cac", "unit_returning", "unit_margin",
    "unit_full_cac", "unit_claimed_cac",
}  # fmt: skip

WITHOUT_SPEND = IDS - {
    "unit_channels",
    "unit_months",
    "unit_cpl_cac",
    "unit_claimed_cac",
    "unit_unmatched",  # money here is that of won deals: it always has its lead
}  # said once is enough


def leads(channel, day, count, won, segment="shops", **differs) -> list[dict[str, Any]]:
    """Leads of one day, the first `won` of them won ten days later, with a payment of 1000 each."""
    end = str(dt.date.fromisoformat(day) + dt.timedelta(days=10))
    sold = {"outcome": "won", "closed_at": end}
    return [
        {"lead_id": f"{channel}{segment}{day}{at}{len(differs)}", "created_at": day, "channel": channel,
         "segment": segment, "verdict": "target", "furthest": 1} | (sold if at < won else {}) | differs
        for at in range(count)
    ]  # fmt: skip


SWAP = leads("ads", EARLY, 100, 25) + leads("ads", LATE, 200, 8)
MAILED = (
    leads("ads", EARLY, 200, 40) + leads("ads", LATE, 60, 12)
    + leads("mail", EARLY, 10, 5, returning=True) + leads("mail", LATE, 90, 45, returning=True)
)  # fmt: skip


@dataclass
class Case:
    """leads, spend (None: not exported), share of the money that stays as margin, other purchases, costs, terms."""

    leads: list[dict[str, Any]]
    spend: list[tuple] | None = field(default_factory=lambda: SPEND)
    margin: float | None = None
    more: list[dict[str, Any]] = field(default_factory=list)
    paid: bool = True
    costs: bool = False
    terms: dict[str, Any] = field(default_factory=dict)

    def tables(self, folder) -> intake.Tables:
        path = folder / "audit.yml"
        path.write_text("hand made", encoding="utf-8")
        audit = Audit.model_validate({**hand_made.AUDIT, "economics": self.terms, "path": path})
        won = [row for row in self.leads if row.get("outcome") == "won"] if self.paid else []
        money = [{"client": row["lead_id"], "bought_at": row["closed_at"] or LATE, "amount": row.get("sum", 1000),
                  "deal": row["lead_id"]} for row in won] + self.more  # fmt: skip
        rows = [{name: value for name, value in row.items() if name != "sum"} for row in self.leads]
        loss = LossLog((SourceCount("deals", "deals.csv", "ab" * 32, len(rows), len(rows), 0, 0),), ())
        inquiries = stored(bought.inquiries(rows), folder / "journeys.parquet")
        others = {
            "spend": None
            if self.spend is None
            else stored(bought.spend(self.spend), folder / "spend.parquet"),
            "purchases": stored(bought.purchases(money, self.margin), folder / "bought.parquet")
            if money
            else None,
            "costs": stored(costs(), folder / "costs.parquet") if self.costs else None,
        }
        return intake.Tables(audit, AS_OF, SINCE, AS_OF, inquiries, inquiries, loss, **others)


def stored(table, path):
    engine.connection()
    engine.write(table, path)
    return engine.read(path)


def costs():
    kinds = {
        "period": bought.pa.date32(),
        "article": bought.pa.string(),
        "kind": bought.pa.string(),
        "amount": bought.MONEY,
    }
    march = {"period": dt.date(2026, 3, 1)}
    return bought.table([march | {"article": "Salaries", "kind": "sales", "amount": 90_000},
                         march | {"article": "Ads", "kind": "advertising", "amount": 50_000},
                         march | {"article": "Rent", "kind": "overhead", "amount": 7_000}], kinds)  # fmt: skip


CASES = {
    "cheaper leads and dearer clients": Case(SWAP, margin=0.5, terms={"claimed": {"cac": 334}}),
    "hidden": Case(
        leads("ads", EARLY, 100, 9) + leads("ads", LATE, 20, 4)
        + leads("ads", LATE, 180, 0, verdict="non_target", outcome="lost"), costs=True,
    ),
    "the base": Case(
        MAILED, [(EARLY, "ads", 40_000), (LATE, "ads", 12_000), (EARLY, "mail", 500), (LATE, "mail", 2000)]
    ),
    "segments that lose": Case(
        leads("ads", EARLY, 300, 60) + leads("vk", EARLY, 300, 12)
        + leads("organic", EARLY, 80, 40, "homes", sum=40_000),
        [(EARLY, "ads", 99_000), (EARLY, "vk", 90_000), (EARLY, "radio", 300), (EARLY, None, 20)], margin=0.3,
        more=[{"client": None, "bought_at": LATE, "amount": 70},
              {"client": "z", "bought_at": LATE, "amount": 5, "deal": "old"},
              {"client": "y", "bought_at": LATE, "amount": 9, "deal": "test", "counted": False}],
        terms={"staff": {"agency": 20_000}, "claimed": {"cac": 77_777}},
    ),
    "a loss before advertising": Case(
        leads("ads", EARLY, 90, 40) + leads("ads", EARLY, 90, 40, "homes", sum=900_000),
        more=[{"client": name, "bought_at": LATE, "amount": 1, "deal": name, "margin": -900 - len(name)}
              for name in (f"adsshops{EARLY}{at}0" for at in range(40))], margin=0.01,
    ),
    "one channel is dearer": Case(
        [row for name in "abc" for row in leads(name, EARLY, 100, 30)] + leads("vk", EARLY, 100, 3),
        [(EARLY, name, 9_000) for name in ("a", "b", "c", "vk")],
    ),
    "no deals yet": Case(leads("ads", EARLY, 60, 0) + leads("ads", LATE, 60, 0), paid=False, costs=True,
                         terms={"claimed": {"cac": 833}}),
    "no spend": Case(SWAP, spend=None, more=[{"client": None, "bought_at": LATE, "amount": 70}]),
    "nobody is named": Case([row | {"person": None} for row in SWAP]),
    "spend of nobody": Case(leads("ads", EARLY, 5, 2), [(EARLY, "radio", 500)]),
    "one young lead": Case(leads("ads", "2026-06-29", 1, 0), [("2026-06-29", "ads", 10)], paid=False),
    "nothing is named": Case(leads(None, EARLY, 40, 9, None) + leads(None, LATE, 40, 9, None), [(EARLY, None, 900)]),
    "hostile names": Case(
        leads(SCRIPT, EARLY, 60, 20, SCRIPT) + leads(SCRIPT, LATE, 90, 9, "{0}")
        + leads("{bad}", EARLY, 50, 9, "{who} %s") + leads("=cmd()", LATE, 9, 2, "nan"),
        [(EARLY, SCRIPT, 900), (LATE, SCRIPT, 900), (EARLY, "{bad}", 40)], margin=0.4,
    ),
}  # fmt: skip
DRAWN = {"cheaper leads and dearer clients", "hostile names"}
METRICS = (ad_days, cheap_leads, economics, qualification, returning, unit_costs)


@dataclass
class Told:
    findings: list[Finding]
    plain: str
    html: str

    def __getitem__(self, ident: str) -> Finding:
        return next(item for item in self.findings if item.id == ident)


def tell(case: Case, folder, patch, drawn: bool) -> dict[str, Told]:
    """Both languages; the second time the metrics give what they gave the first."""
    tables, memory, told = case.tables(folder), hand_made.Memory(), {}
    patch.setattr(
        qualification, "judge", lambda journeys, criteria: journeys
    )  # the verdicts are made by hand
    for module in METRICS:
        for name, function in list(vars(module).items()):
            if isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_"):
                patch.setattr(module, name, memory.kept(function))
    patch.setattr(intake, "load", lambda *arguments: (tables, tables.loss))
    for language in ("ru", "en"):
        bundles: list[dict] = []
        patch.setattr(page, "display", lambda bundle, raw, kept=bundles: kept.append(bundle))
        output = str(folder) if drawn and language == "ru" else ""
        if not output:
            patch.setattr(page.pieces, "png", lambda figure, words: b"")
        made = hand_made._run("09_unit_economics", {"language": language, "output": output})
        texts = [
            bundle.get("text/html", "") + bundle.get(page.MIME, {}).get("html", "") for bundle in bundles
        ]
        plain = "\n".join(bundle.get("text/plain", "") for bundle in bundles)
        told[language] = Told(made["report"].findings, plain, "\n".join(texts))
        memory.replays = True
    return told


@pytest.fixture(scope="module")
def all_told(tmp_path_factory) -> dict[str, dict[str, Told]]:
    found = {}
    for name, case in CASES.items():
        with pytest.MonkeyPatch.context() as patch:
            found[name] = tell(case, tmp_path_factory.mktemp("told"), patch, name in DRAWN)
    return found


@pytest.fixture(params=CASES)
def told(request, all_told) -> dict[str, Told]:
    return all_told[request.param]


def test_every_section_says_something_whole_in_both_languages(told):
    for one in told.values():
        assert {item.id for item in one.findings} in (IDS, WITHOUT_SPEND)
        view_checks.whole(one.findings)
        view_checks.filled(one.plain, one.findings, ["{0}", "{who} %s", "{bad}", "nan"])
    view_checks.same(told["ru"].findings, told["en"].findings)


def test_the_number_of_a_finding_stands_in_its_sentence(told):
    from detente.present.wording import Words

    for language, one in told.items():
        words = Words(language, "RUB")
        view_checks.base_said(one.findings)
        for item in one.findings:
            if item.status == "ok" and not math.isnan(item.value) and item.value:
                written = {"times": words.times, "money": words.money, "share": words.percent}[item.unit](
                    item.value
                )
                assert written in item.fact + item.headline, item


def test_no_cost_is_zero_or_infinite(told):
    for one in told.values():
        assert "∞" not in one.html
        assert "inf" not in one.plain.replace("“", " ").split()


def said(all_told, case: str, ident: str, language: str = "ru") -> Finding:
    return all_told[case][language][ident]


def test_a_swap_is_the_headline_with_its_channel_and_its_break_even(all_told):
    found = said(all_told, "cheaper leads and dearer clients", "unit_cpl_cac")
    assert "«ads»: заявки подешевели, а клиенты подорожали" in found.headline
    assert all_told["cheaper leads and dearer clients"]["ru"].plain.startswith(found.headline)
    assert "500\u00a0₽ до 250\u00a0₽" in found.fact
    assert "2\u00a0000\u00a0₽ до 6\u00a0250\u00a0₽" in found.fact
    assert "13\u00a0%" in found.fact  # 250 / 2000: the conversion at which a client would cost what it did
    assert found.value == pytest.approx(3.125)
    assert found.low > 1


def test_target_leads_that_became_dearer_are_told_but_are_no_headline_of_alarm(all_told):
    found = said(all_told, "hidden", "unit_cpl_cac")
    assert "целевые подорожали" in found.headline
    assert found.value == pytest.approx(5)


def test_a_stated_cac_that_is_a_cost_per_lead_is_called_so(all_told):
    found = said(all_told, "cheaper leads and dearer clients", "unit_claimed_cac")
    assert "заявка (платные каналы)" in found.fact  # 100 000 / 300 leads = 333.33
    assert said(all_told, "segments that lose", "unit_claimed_cac").headline.startswith(
        "Названную цену клиента"
    )
    assert "в audit.yml не указана" in said(all_told, "the base", "unit_claimed_cac").fact
    assert "цены клиента ещё нет" in said(all_told, "no deals yet", "unit_claimed_cac").fact


def test_mailing_the_base_is_the_headline_and_its_channel_is_no_acquisition(all_told):
    found = all_told["the base"]["ru"]
    assert found.plain.startswith("Клиент подешевел за счёт своих же клиентов")
    assert "mail" in found.html
    assert "Это работа с базой, а не привлечение" in found.html
    assert found["unit_returning"].value == pytest.approx(45 / 57)


def test_without_deals_a_client_costs_more_than_something_and_never_nothing(all_told):
    found = all_told["no deals yet"]["ru"]
    assert "клиент обойдётся дороже" in found.plain
    assert "сделок пока нет, больше" in found.html
    assert found["unit_full_cac"].status == "cannot_tell"
    assert found["unit_channels"].status == "cannot_tell"


def test_money_without_a_pair_is_listed_with_its_names(all_told):
    found = said(all_told, "segments that lose", "unit_unmatched")
    assert found.value == 320
    for part in (
        "300\u00a0₽ расходов каналов, в которых нет заявок (radio)",
        "20,00",
        "70,00\u00a0₽ неизвестно",
        "5,00\u00a0₽ по заявкам, созданным вне",
        "9,00",
    ):
        assert part.replace(",00", "") in found.fact, part
    assert "цена у них не ноль, а неизвестна" in all_told["segments that lose"]["ru"].html


def test_a_segment_that_costs_more_than_it_leaves_is_named(all_told):
    found = said(all_told, "segments that lose", "unit_segments")
    assert found.headline == "Клиент сегмента «shops» обходится дороже, чем приносит"
    assert found.value == pytest.approx(300)
    worse = said(all_told, "a loss before advertising", "unit_segments")
    assert worse.headline == "Клиент сегмента «shops» убыточен ещё до рекламы"
    assert worse.value < 0


def test_a_channel_that_is_dearer_beyond_noise_is_named_and_others_are_not(all_told):
    found = said(all_told, "one channel is dearer", "unit_channels")
    assert "«vk»" in found.headline
    assert found.value == pytest.approx(10)
    assert said(all_told, "hidden", "unit_channels").status == "cannot_tell"


def test_all_costs_count_once(all_told):
    found = said(all_told, "hidden", "unit_full_cac")
    assert found.value == pytest.approx(
        (100_000 + 90_000) / 13
    )  # the articles of advertising and rent stay out
    assert said(all_told, "one channel is dearer", "unit_full_cac").status == "not_available"
    staff = said(all_told, "segments that lose", "unit_full_cac")
    assert staff.value == pytest.approx((189_320 + 20_000 * 181 / (365.25 / 12)) / 112, abs=0.01)


def test_without_spend_it_is_said_once_and_the_way_is_still_there(all_told):
    found = all_told["no spend"]["ru"]
    missing = {item.id for item in found.findings if item.status == "not_available"}
    assert missing == {"unit_segments", "unit_margin", "unit_full_cac"}
    assert {item.id for item in found.findings} == WITHOUT_SPEND
    assert "Во что обходится клиент, не видно" in found.plain
    assert "Сегменты: от заявки до повторной покупки" in found.html
    assert "затрат на привлечение в выгрузках нет" in found["unit_full_cac"].headline
    assert "Клиент (CAC)" not in found.html


def test_where_no_client_is_named_nobody_is_said_to_be_new_or_to_have_come_back(all_told):
    found = all_told["nobody is named"]["ru"]
    assert found["unit_returning"].status == "not_available"
    assert "Купили снова" not in found.html
    assert "Кто заплатил и вернулся, по выгрузкам не видно" in found.plain


def test_hostile_names_reach_the_page_as_text(all_told):
    view_checks.escaped(all_told["hostile names"]["ru"].html)


@pytest.mark.parametrize(("second", "mixed"), [("included", False), ("excluded", True), ("unknown", True)])
def test_spend_with_and_without_tax_is_told_apart(second: str, mixed: bool) -> None:
    spend = [{"file": "a.csv", "vat": "included"}, {"file": "b.csv", "vat": second}]
    funnel = {"stages": ["New"], "won": ["Won"], "lost": ["Lost"]}
    sources = {"deals": {"file": "d.csv"}, "spend": spend}
    audit = Audit.model_validate({"client": "T", "sources": sources, "funnel": funnel})
    assert view_economics._mixed_vat(audit) is mixed
