"""The published signatures of sources.md 1.4 and 1.8, computed from the documented algorithm."""

from leadwire.simulators.meta.signing import appsecret_proof, escaped_body, signature_headers

SECRET = "test_app_secret"
BODY = (
    b'{"object":"page","entry":[{"id":"138124712925158","time":1630087927,"changes":[{"value":{"form_id":"172036835026334",'
    b'"leadgen_id":"233370042045345","created_time":1630087926,"page_id":"138124712925158"},"field":"leadgen"}]}]}'
)


def test_a_known_body_has_the_known_signatures() -> None:
    assert len(BODY) == 225
    assert signature_headers(SECRET, BODY) == {
        "X-Hub-Signature": "sha1=5b0b49b4262def2dadc8a4bc0993ee696594e26b",
        "X-Hub-Signature-256": "sha256=91a0cba62ba34adc5267efb83f03dc43da2a6acf1f758b1db8b8ad6af292d802",
    }


def test_a_known_token_has_the_known_proof() -> None:
    proof = appsecret_proof(SECRET, "TEST_PAGE_TOKEN")
    assert proof == "92df2c7d06a0bea4fc2b80f86300143642d76252e572eb8556f74bdebb3b3c06"


def test_letters_outside_ascii_are_escaped_in_lower_case() -> None:
    assert escaped_body({"name": "äöå"}) == b'{"name":"\\u00e4\\u00f6\\u00e5"}'
