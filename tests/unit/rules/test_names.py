import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.rules.names import Names

maybe = st.none() | st.text(max_size=8)


@pytest.mark.parametrize(
    ("given_names", "names"),
    [
        ((None, None, None), Names(None, None, None)),
        (("", " ", "\t"), Names(None, None, None)),
        (("Asha  Rao ", None, None), Names("Asha  Rao", None, None)),
        ((None, "Asha", "Rao"), Names("Asha Rao", "Asha", "Rao")),
        ((" ", " Asha ", "Rao\n"), Names("Asha Rao", "Asha", "Rao")),
        ((None, "Asha", None), Names("Asha", "Asha", None)),
        ((None, None, "Rao"), Names("Rao", None, "Rao")),
        (("Dr. A. Rao", "Asha", "Rao"), Names("Dr. A. Rao", "Asha", "Rao")),
        (("रवि कुमार", None, None), Names("रवि कुमार", None, None)),
    ],
)
def test_names_are_as_typed_and_the_full_one_is_joined_only_where_none_was_given(
    given_names: tuple[str | None, str | None, str | None], names: Names
) -> None:
    assert Names.of(*given_names) == names


@settings(deadline=None)
@given(maybe, maybe, maybe)
def test_a_full_name_is_there_exactly_if_some_name_was_given_and_none_is_blank(
    full: str | None, first: str | None, last: str | None
) -> None:
    names = Names.of(full, first, last)
    assert (names.full is not None) == any(name and name.strip() for name in (full, first, last))
    assert all(name is None or name.strip() == name != "" for name in names)
    assert Names.of(*names) == names
