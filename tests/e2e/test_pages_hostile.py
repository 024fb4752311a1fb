"""Hostile requests drawn from the API's own description: whatever comes in, the answer is one that is described."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest
import uvicorn

from unit.web.house import SETTINGS, House, enquiry

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SEED = "20260225"


@pytest.mark.slow
async def test_no_request_makes_the_api_fail_or_answer_what_it_does_not_describe(tmp_path: Path) -> None:
    house = House(msgspec.structs.replace(SETTINGS, public_url=None, listens_on_loopback=True))
    await house.arrive(*[enquiry(str(number)) for number in range(20)])
    await house.settle("edge", 422)
    token = await house.tokens.make(["read", "write", "trigger", "admin"], "hostile")
    server = uvicorn.Server(
        uvicorn.Config(house.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", loop="asyncio")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"http://127.0.0.1:{port}/openapi.json", "-H", f"Authorization: Bearer {token.secret}"),
        *("--exclude-path", "/api/v1/stream", "--checks", CHECKS, "-n", "40", "--seed", SEED, "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    server.should_exit = True
    await serving
    assert process.returncode == 0, said.decode()[-6_000:]
    assert b" generated" in said
    assert house.crashes == []
