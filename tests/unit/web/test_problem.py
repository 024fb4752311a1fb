"""Problem documents: stable types, the right status, nothing but what was said."""

import json

import pytest

from leadwire.web.problem import encode, problem, slug_of_status


def test_a_problem_has_a_stable_type_its_usual_status_and_no_empty_fields() -> None:
    assert json.loads(encode(problem("not-found"))) == {
        "type": "urn:leadwire:problem:not-found",
        "title": "There is nothing here",
        "status": 404,
    }


def test_detail_and_instance_stand_where_they_were_given() -> None:
    document = json.loads(encode(problem("invalid", "x", instance="urn:leadwire:request:1", status=400)))
    assert (document["detail"], document["instance"], document["status"]) == ("x", "urn:leadwire:request:1", 400)


@pytest.mark.parametrize(
    ("status", "slug"),
    [(404, "not-found"), (401, "unauthorized"), (418, "bad-request"), (500, "internal"), (599, "internal")],
)
def test_every_error_status_has_a_slug(status: int, slug: str) -> None:
    assert slug_of_status(status) == slug


def test_an_unlisted_slug_is_a_bug_of_the_caller() -> None:
    with pytest.raises(KeyError):
        problem("no-such-slug")
