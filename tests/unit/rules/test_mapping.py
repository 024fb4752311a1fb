from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.rules.mapping import Mapping, MappingInvalid

LEAD: dict[str, Any] = {
    "id": "lead1",
    "is_test": False,
    "full_name": "Asha Rao",
    "phone": "+919876543210",
    "city": None,
    "answers": {"budget": ["50 L", "75 L"], "when?": []},
    "attribution": {"platform": "fb"},
    "call": None,
    "score": 0,
}


@pytest.mark.parametrize(
    ("where", "is_wanted"),
    [
        (None, True),
        ("is_test == `false`", True),
        ("is_test", False),
        ("!is_test", True),
        ("attribution.platform == 'fb'", True),
        ("attribution.platform == 'ig' || phone", True),
        ("contains(answers.budget, '75 L')", True),
        ("call", False),
        ("call.duration_s", False),
        ("nowhere.at.all", False),
        ("answers", True),
        ('answers."when?"', False),
        ("score", True),
        ("score > `1`", False),
        ("answers.budget[?@ == '1 Cr']", False),
        ("`0`", True),
        ("`{}`", False),
        ("''", False),
        ("platform == `fb`", False),
    ],
)
def test_a_lead_is_wanted_by_the_truth_of_jmespath(where: str | None, is_wanted: bool) -> None:
    assert Mapping.compile(None, where).wants(LEAD) is is_wanted


def test_without_fields_the_whole_lead_goes() -> None:
    assert Mapping.compile(None, None).apply(LEAD) is LEAD


def test_each_target_field_gets_its_expressions_value_in_the_given_order() -> None:
    mapping = Mapping.compile(
        {
            "name": "full_name",
            "budget": "answers.budget[0]",
            "platform": "attribution.platform",
            "agent": "call.agent",
            "list": "join(' / ', answers.budget)",
            "source": "'leadwire'",
        },
        None,
    )
    assert list(mapping.apply(LEAD).items()) == [
        ("name", "Asha Rao"),
        ("budget", "50 L"),
        ("platform", "fb"),
        ("agent", None),
        ("list", "50 L / 75 L"),
        ("source", "leadwire"),
    ]


def test_no_fields_at_all_make_an_empty_object() -> None:
    assert Mapping.compile({}, None).apply(LEAD) == {}


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "there is no expression"),
        ("full_name ||", "something is missing at the end"),
        ("full_name $ x", "position 11"),
        ("full_name)", '")" at position 10'),
        ("is_test == `false", "Unclosed"),
        ("first-name", "position 6"),
        ("lenght(answers)", "no function lenght(); the nearest is length()"),
        ("zzz(answers)", "no function zzz()"),
        ("[?nowhere].upper(@)", "no function upper()"),
        ("length(answers, id)", "takes 1 argument and gets 2"),
        ("not_null()", "takes at least 1 argument and gets 0"),
        ("sort_by(answers, id)", "argument 2 of sort_by() must begin with &"),
        ("length(&answers)", "argument 1 of length() must not begin with &"),
        ("&answers", "& stands outside"),
        ("{a: &answers}", "& stands outside"),
        ("answers.budget[::0]", "step 0"),
        ("is_test == false", "written `false`"),
        ("null != city", "written `null`"),
        ("[?a == true]", "written `true`"),
        ('attribution.platform == "fb"', "written 'fb'"),
        ("(" * 5000, "too much is nested"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place_its_text_and_what_is_wrong(
    expression: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=r"^where: in ") as where:
        Mapping.compile(None, expression)
    with pytest.raises(ValueError, match=r"^fields\.target: in ") as field:
        Mapping.compile({"fine": "id", "target": expression}, None)
    for message in (str(where.value), str(field.value)):
        assert complaint in message
        assert f"`{expression[:200]}" in message
        assert len(message) < 400


@pytest.mark.parametrize(
    "expression",
    ["\"first-name\" == 'x'", 'answers."when?"', 'a == "a b"', "a.true == b", "not_null(a, b, c)", '@."fb" == a'],
)
def test_what_jmespath_reads_as_it_was_meant_is_taken(expression: str) -> None:
    assert Mapping.compile(None, expression).wants(LEAD) in (True, False)


@pytest.mark.parametrize(
    "expression",
    [
        "length(score) > `1`",
        "contains(full_name, score)",
        "full_name > score",
        "join(',', phone)",
        "sum(answers.budget)",
        "max([score, full_name])",
        "starts_with(city, 'B')",
    ],
)
def test_what_fails_for_one_lead_is_told_without_any_of_its_values(expression: str) -> None:
    mapping = Mapping.compile({"target": expression}, expression)
    with pytest.raises(MappingInvalid) as where:
        mapping.wants(LEAD)
    with pytest.raises(MappingInvalid) as field:
        mapping.apply(LEAD)
    for place, failure in (("where", where.value), ("fields.target", field.value)):
        assert str(failure).startswith(f"{place}: in `{expression}` ")
        assert not any(value in str(failure) for value in ("Asha", "98765", "50 L"))
        assert failure.__cause__ is None
        assert failure.__suppress_context__


def test_mappings_of_equal_texts_are_equal() -> None:
    one, same = (Mapping.compile({"a": "id"}, "phone") for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != Mapping.compile({"a": "id"}, None)
    assert one != Mapping.compile({"b": "id"}, "phone")
    assert Mapping.compile(None, None) != Mapping.compile({}, None)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), json, max_size=3),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join),
)
def test_a_plain_path_is_walked_as_the_library_walks_it(document: dict[str, Any], path: str) -> None:
    value = jmespath.search(path, document)
    mapping = Mapping.compile({"value": path}, path)
    assert mapping.apply(document) == {"value": value}
    assert mapping.wants(document) is (jmespath.search(f"{path} && `true` || `false`", document) is True)
