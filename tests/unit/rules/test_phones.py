import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadwire.rules.phones import normal_phone, phone_search_words

INDIAN = "+919876543210"


@pytest.mark.parametrize(
    "typed",
    [
        "+919876543210",
        "p:+919876543210",
        "tel:+91-98765-43210",
        "tel:+919876543210;ext=12",
        "+91-98765-43210",
        "+91 98765 43210",
        "(+91) 98765-43210",
        "+91 (0) 98765 43210",
        "0091 98765 43210",
        "098765 43210",
        "98765.43210",
        "9876543210",
        "919876543210",
        "  98765\u00a043210\n",
        "\u202a+91 98765 43210\u202c",
        "98765\u201143210",
        "٩٨٧٦٥٤٣٢١٠",
        "९८७६५४३२१०",
        "＋９１９８７６５４３２１０",
        "+91 98765 43210 ext 4",
        "+91 98765 43210 x4",
        "+91 98765 43210 #4",
        "9876543210.0",
        "call 9876543210 (whatsapp)",
        "9876543210 Joe",
        "9876543210, 9876543211",
        "9876543210/9876543211",
        "+919876543210 +919876543211",
    ],
)
def test_one_number_has_one_normal_form_however_it_was_typed(typed: str) -> None:
    assert normal_phone(typed, "IN") == INDIAN


@pytest.mark.parametrize(
    ("typed", "region", "normal"),
    [
        ("+1 (415) 555-2671", "IN", "+14155552671"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("(415) 555-2671", "us", "+14155552671"),
        ("011 91 98765 43210", "US", INDIAN),
        ("00 91 98765 43210", "US", INDIAN),
        ("0091 98765 43210", None, INDIAN),
        ("+39 02 3661 8300", None, "+390236618300"),
        ("030/123456", "DE", "+4930123456"),
    ],
)
def test_the_region_completes_a_number_and_never_overrules_its_country(
    typed: str, region: str | None, normal: str
) -> None:
    assert normal_phone(typed, region) == normal


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        (None, "IN"),
        ("", "IN"),
        (" - ", "IN"),
        ("anonymous", "IN"),
        ("Unknown", "IN"),
        ("withheld", "IN"),
        ("+266696687", "IN"),
        ("-1", "IN"),
        ("0", "IN"),
        ("0000000000", "IN"),
        ("100", "IN"),
        ("12345", "IN"),
        ("98765*****", "IN"),
        ("+91 98765 xxxxx", "IN"),
        ("+91+919876543210", "IN"),
        ("9.87654E+09", "IN"),
        ("<test lead: dummy data for phone_number>", "IN"),
        ("1-800-FLOWERS", "US"),
        ("9876543210 9876543211", "IN"),
        ("+999 1234567890", "IN"),
        ("+" + "1" * 17, None),
        ("+49 123456789012345", None),
        ("9" * 5000, "IN"),
        ("please call 9876543210" + "!" * 100, "IN"),
        ("9876543210", None),
        ("919876543210", None),
        ("9876543210", "ZZ"),
    ],
)
def test_what_nobody_can_be_called_at_has_no_normal_form(typed: str | None, region: str | None) -> None:
    assert normal_phone(typed, region) is None


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("+15551234567", "+15551234567"),
        ("5551234567", None),
        ("+1 555 1234", None),
        ("+91 00000 00001", "+910000000001"),
        ("+1 555 123 4567 ~12", "+15551234567"),
    ],
)
def test_a_number_outside_its_countrys_plan_is_taken_as_typed_and_only_with_a_plus(
    typed: str, normal: str | None
) -> None:
    assert normal_phone(typed, "US") == normal


@settings(deadline=None)
@given(st.text(alphabet="+0123456789 -()./#x,;p:٣９", max_size=24), st.sampled_from([None, "IN", "US", "IT", "BR"]))
def test_a_normal_form_is_its_own_normal_form_in_every_region(typed: str, region: str | None) -> None:
    normal = normal_phone(typed, region)
    if normal is not None:
        assert normal[0] == "+"
        assert normal[1:].isascii()
        assert normal[1:].isdecimal()
        assert len(normal) <= 16
        assert normal_phone(normal, None) == normal
        assert normal_phone(normal, "IN") == normal


@settings(deadline=None)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from([0, 1, 2, 3]))
def test_the_example_number_of_every_country_is_found_from_each_way_of_writing_it(region: str, style: int) -> None:
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is not None:
        normal = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        assert normal_phone(phonenumbers.format_number(example, style), region) == normal


@settings(deadline=None)
@given(st.text(max_size=120))
def test_no_text_makes_it_fail(typed: str) -> None:
    normal = normal_phone(typed, "IN")
    assert normal is None or normal.startswith("+")


def test_a_number_is_found_by_its_digits_with_and_without_its_country() -> None:
    assert phone_search_words(INDIAN) == "919876543210 9876543210"
    assert phone_search_words("+390236618300") == "390236618300 0236618300"
    assert phone_search_words("+15551234567") == "15551234567 5551234567"


def test_importing_it_loads_no_countrys_plan() -> None:
    script = (
        "import sys; import leadwire.rules.phones;"
        "sys.exit(any(name.startswith('phonenumbers.data.region') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
