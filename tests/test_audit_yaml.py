"""The text of audit.yml: what breaks as YAML is told where, and nothing that was written turns into something else."""

from __future__ import annotations

from pathlib import Path

import pytest

import stated_audit
from detente.audit import Audit, AuditError
from stated_audit import LEAST, message, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stated_audit.folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LEAST + "client: Другой\n", "audit.yml, line 9: client: this key also stands in line 1; leave one"),
        (LEAST + "  won: [Да]\n", "audit.yml, line 9: won: this key also stands in line 7; leave one"),
        (
            LEAST + "reasons: [{id: a, reasons: [x], ru: «Думает», «другое», en: Other}]\n",
            "audit.yml, line 9: ««другое»» has no value; a text with a comma inside {} needs quotes",
        ),
        (LEAST + "reasons: [\n", "audit.yml, line 10: the file ends inside a bracket"),
        (LEAST + "tests:\n\twords: a\n", "audit.yml, line 10: a tab stands in the indent; YAML wants spaces"),
        (LEAST + "currency: a: b\n", "audit.yml, line 9: a second «: » on one line; put the text in quotes"),
        (LEAST + "---\nclient: x\n", "audit.yml, line 9: a second «---» begins another document"),
        ("- client\n", "audit.yml: expected keys such as client, sources, funnel; found none"),
        ("", "audit.yml: expected keys such as client, sources, funnel; found none"),
    ],
)
def test_a_file_that_is_not_clean_yaml_is_told_where_it_breaks(folder, text, said):
    assert message(folder, text).startswith(said)


def test_a_file_in_another_encoding_a_folder_and_a_missing_file_each_say_what_to_do(folder):
    (folder / "audit.yml").write_bytes(LEAST.encode("cp1251"))
    with pytest.raises(AuditError, match="save it again as UTF-8"):
        Audit.read(folder / "audit.yml")
    with pytest.raises(AuditError, match="this is a folder; name the audit.yml inside it"):
        Audit.read(folder)
    with pytest.raises(AuditError, match="`detente init DIR` writes a draft"):
        Audit.read(folder / "other.yml")


def test_a_byte_order_mark_does_not_become_part_of_the_first_key(folder):
    assert read(folder, "\ufeff" + LEAST).client == "ООО «Детские площадки»"


@pytest.mark.parametrize(
    "name", ["no", "yes", "on", "true", "12:30", "01", "1_000", "1.10", "2024-01-31", "0x1F", "null"]
)
def test_a_stage_keeps_the_name_that_was_written_whatever_yaml_would_make_of_it(folder, name):
    funnel = read(folder, LEAST.replace("[Новая, В работе]", f"[{name}]").replace("won: ", f"won: [{name}x, ")
                  .replace("Успешно реализовано", "Успешно реализовано]")).funnel  # fmt: skip
    assert funnel.stages[0].name == name


def test_a_country_called_no_and_a_client_called_by_a_number_are_text(folder):
    audit = read(
        folder, LEAST.replace("client: ООО «Детские площадки»", "client: 2024") + "phone_region: NO\n"
    )
    assert (audit.client, audit.phone_region) == ("2024", "NO")


def test_nothing_in_the_file_is_evaluated(folder):
    said = message(folder, LEAST + "language: !!python/object/apply:os.system ['echo']\n")
    assert said.startswith("audit.yml, line 9: language: ")
