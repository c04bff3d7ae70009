"""The half of a draft that people must decide: criteria, labels and groups of loss reasons, as candidates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from detente.intake import guesses, survey
from detente.intake.draft_sources import count, text
from detente.intake.guesses import Group
from detente.intake.survey import Export
from detente.stated import slug

MOST = 8  # candidates for criteria
FREE_TEXT = 40  # more different reasons than this are free text
SHOWN = 5  # values of fewer rows may tell about one person: they are not shown where texts are free


def criteria(deals: Export | None) -> Iterator[str]:
    """Columns that a criterion could test, as commented blocks."""
    yield "# QUESTION: what makes a lead target? Marketing and sales agree on it BEFORE they see numbers."
    yield "#   Each criterion tests one column; an empty cell is unknown. No criteria: no verdicts."
    yield "criteria:"
    if not deals:
        return
    taken: set[str] = set()
    if heading := deals.heading("phone"):
        yield from _block("## a phone that can be called", taken, "phone", heading, ["operator: valid_phone"])
    yield from _by_reason(deals, taken)
    columns = survey.lists(deals)
    verdicts = [name for name in columns if guesses.is_verdict(name)]
    for name in [*verdicts, *(name for name in columns if name not in verdicts)][:MOST]:
        yield from _by_values(deals, name, columns[name], taken, name in verdicts)


def _by_reason(deals: Export, taken: set[str]) -> Iterator[str]:
    alien = [
        reason for reason in shown_reasons(deals) if (group := guesses.reason(reason)) and group.non_target
    ]
    if alien:
        heading = deals.heading("loss_reason")
        note = f"## {heading}: known only after the loss, by the word of sales; weak, but often all there is"
        body = ["operator: not_in", "value:  # ?", *_items(alien), "empty: pass  # nothing wrong was written"]
        yield from _block(note, taken, "not_rejected", heading, body)


def _by_values(
    deals: Export, name: str, values: dict[str, int], taken: set[str], verdict: bool
) -> Iterator[str]:
    shown = [value for value in values if values[value] >= SHOWN]
    unsure = [value for value in shown if guesses.is_unsure(value)] if verdict else []
    good = [value for value in shown if not guesses.is_alien(value) and value not in unsure]
    if not good:
        return
    body = ["operator: in", "value:  # ? leave what a target lead has", *_items(good)]
    if unsure:
        body += [
            "# unknown:  # ? if these say that nobody has looked yet",
            *(f"# {item}" for item in _items(unsure)),
        ]
    note = f"## {name}: {_filled(deals, name, values)}"
    yield from _block(note, taken, name, name, body)


def labels(deals: Export | None) -> Iterator[str]:
    """Columns that look like somebody's verdict on leads, as commented blocks."""
    columns = survey.lists(deals) if deals else {}
    verdicts = {name: values for name, values in columns.items() if guesses.is_verdict(name)}
    yield "# A label is what one party SAYS of a lead. It is compared with the criteria and never decides."
    yield "#   A column serves as a label or as a criterion: as both, it agrees with itself."
    if not verdicts:
        yield "# QUESTION: which column holds the verdict of sales, or of marketing? None looks like it."
    yield "labels:"
    taken: set[str] = set()
    for name, values in verdicts.items():
        shown = [value for value in values if values[value] >= SHOWN]
        alien = [value for value in shown if guesses.is_alien(value) or guesses.is_unsure(value)]
        body = ["by: sales  # ? or marketing"]
        for key, chosen in (
            ("target", [value for value in shown if value not in alien]),
            ("non_target", alien),
        ):
            body += [f"{key}:  # ?", *_items(chosen)] if chosen else []
        assert deals is not None
        yield f"  # QUESTION: whose verdict is {text(name)}, and which of its values mean target?"
        yield from _block(f"## {name}: {_filled(deals, name, values)}", taken, name, name, body)


def _block(note: str, taken: set[str], name: str, heading: str, body: Sequence[str]) -> Iterator[str]:
    """One item of a list, behind comment marks, under a note that stays a comment when the marks go."""
    yield f"  {note}"
    lines = [f"column: {text(heading)}", *body, f"ru: {text(heading)}", f"en: {text(heading)}"]
    yield f"  # - id: {_identifier(name, taken)}"
    yield from (f"  #   {line}" for line in lines)


def _items(values: Sequence[str]) -> list[str]:
    return [f"  - {text(value)}" for value in values]


def _filled(deals: Export, name: str, values: dict[str, int]) -> str:
    share = deals.counted[name].filled / max(deals.rows, 1)
    listed = [f"{text(value, flow=True)} {count(rows)}" for value, rows in values.items() if rows >= SHOWN]
    rare = len(values) - len(listed)
    return f"filled in {share:.0%}: {', '.join(listed)}{f', and {rare} rare' if rare else ''}"


def _identifier(name: str, taken: set[str]) -> str:
    word = re.sub("_at$", "", slug(name).replace("-", "_"))
    word = word if re.match("[a-z]", word) else f"column_{word}"
    unique = next(option for option in (word, *(f"{word}_{n}" for n in range(2, 999))) if option not in taken)
    taken.add(unique)
    return unique


def shown_reasons(deals: Export) -> dict[str, int]:
    """Loss reasons that may be shown, with rows: all of a short list, only the frequent ones of free text."""
    values = deals.values(deals.heading("loss_reason"), most=2000)
    safe = {
        value: rows for value, rows in values.items() if len(value) <= 60 and not guesses.holds_contact(value)
    }
    free = len(values) > FREE_TEXT or len(safe) < len(values)
    return {value: rows for value, rows in safe.items() if rows >= SHOWN or not free}


def reasons(deals: Export | None) -> Iterator[str]:
    """Loss reasons in guessed groups; those that fit none are listed for a person to place."""
    found = shown_reasons(deals) if deals else {}
    if not found:
        yield "# QUESTION: no column of loss reasons was recognised: state sources.deals.columns.loss_reason,"
        yield "#   then group its values here."
        yield "reasons:"
        return
    yield "# QUESTION: do both departments agree with these groups? They are guessed from words."
    yield "#   owner: whose question it is (marketing, sales, product, price, client, data);"
    yield "#   non_target: the lead was not ours; no_reason: filled in, says nothing."
    yield "reasons:"
    group_of = {value: guesses.reason(value) for value in found}
    for group in guesses.REASONS:
        if values := [value for value in found if group_of[value] is group]:
            yield from _group(group, {value: found[value] for value in values})
    if rest := [value for value in found if group_of[value] is None]:
        yield "  # QUESTION: where do these belong? Move them into a group above, or make groups."
        other = Group("other", "client", "Другие причины", "Other reasons", "")
        yield from (f"  # {line[2:]}" for line in _group(other, {value: found[value] for value in rest}))


def _group(group: Group, values: dict[str, int]) -> Iterator[str]:
    yield f"  - id: {group.id}"
    yield "    reasons:"
    yield from (f"      - {text(value)}  # {count(rows)}" for value, rows in values.items())
    yield f"    owner: {group.owner}  # ?"
    yield from (f"    {flag}: true  # ?" for flag in ("non_target", "no_reason") if getattr(group, flag))
    yield f"    ru: {text(group.ru)}"
    yield f"    en: {text(group.en)}"
