"""A storm of faults between two clients of our library and their server (fault_proxy.py, faults.cpp): what the library
said of each message is compared with what arrived."""

import os
import random

import pytest

from fault_proxy import FaultProxy

MESSAGES = int(os.environ.get("ANSER_SDK_MESSAGES", "10000"))
PATIENCE = int(os.environ.get("ANSER_SDK_PATIENCE", "1"))
SECONDS = 240 * PATIENCE
SEEDS = [int(seed) for seed in os.environ.get("ANSER_SDK_SEEDS", "").split()] or [1, random.randrange(2, 2**31)]


@pytest.mark.parametrize("seed", SEEDS, ids=["fixed", "random"][: len(SEEDS)] if len(SEEDS) <= 2 else None)
async def test_what_is_confirmed_arrives_once_and_nothing_arrives_twice(server, program, authority, seed):
    romeo, juliet = [await server.account(name, password="secret") for name in ("romeo", "juliet")]
    print(f"seed {seed}")
    async with FaultProxy(server.house.settings.port, seed, ("romeo", "juliet"), patience=PATIENCE) as proxy:
        storm = await program(
            "faults",
            romeo=romeo.local,
            juliet=juliet.local,
            password="secret",
            romeo_port=proxy.doors["romeo"].port,
            juliet_port=proxy.doors["juliet"].port,
            truststore=authority.path,
            messages=MESSAGES,
            window=max(2, MESSAGES // 1250),  # a short run is slower, so that enough happens
            patience=PATIENCE,
            limit=SECONDS,
        )
        try:
            await storm.ends(SECONDS)
        finally:
            print(proxy.told())
            print("\n".join(f"{name} {value}" for name, value in storm.said))

    count = {name: int(storm[name]) for name in ("confirmed", "unconfirmed", "failed", "untold", "lost", "doubled")}
    assert count["confirmed"] + count["unconfirmed"] + count["failed"] == MESSAGES
    assert (count["untold"], int(storm["twice_told"])) == (0, 0)
    assert (count["lost"], count["doubled"]) == (0, 0)
    assert int(storm["romeo_resumed"]) + int(storm["juliet_resumed"]) >= MESSAGES // 500, "there was a storm"
    if server.kind == "anser":
        assert (count["unconfirmed"], count["failed"], int(storm["out_of_order"])) == (0, 0, 0)
    else:
        assert count["unconfirmed"] + count["failed"] <= MESSAGES // 100
