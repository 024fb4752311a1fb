import json

from leadwire.simulators.control import control
from leadwire.simulators.crm.faults import Faults
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.exchange import WorldRequest


def test_a_post_changes_only_the_switches_it_names(crm: CrmWorld) -> None:
    crm.faults = Faults(latency_us=5, poison_texts=("x",))
    answer = control(
        crm, WorldRequest(method="POST", path="/_sim/faults", body=b'{"reset_share": 0.5, "script": [{"status": 500}]}')
    )
    assert answer.status == 200
    assert (crm.faults.latency_us, crm.faults.poison_texts, crm.faults.reset_share) == (5, ("x",), 0.5)
    assert crm.faults.script[0].status == 500
    shown = json.loads(control(crm, WorldRequest(method="GET", path="/_sim/faults")).body)
    assert shown["reset_share"] == 0.5


def test_an_unknown_switch_or_a_wrong_type_is_refused_and_changes_nothing(crm: CrmWorld) -> None:
    for body in (b'{"reset_shar": 1}', b'{"reset_share": "much"}', b"[]", b"{"):
        assert control(crm, WorldRequest(method="POST", path="/_sim/faults", body=body)).status == 400
    assert crm.faults == Faults()


def test_the_state_is_the_snapshot(crm: CrmWorld) -> None:
    state = json.loads(control(crm, WorldRequest(method="GET", path="/_sim/state")).body)
    assert state == json.loads(json.dumps(crm.snapshot()))
    assert control(crm, WorldRequest(method="GET", path="/_sim/other")).status == 404
