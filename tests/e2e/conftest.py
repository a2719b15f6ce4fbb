"""One server for each worker, a stage on it for each test; `start` gives a test a server of its own."""

import shutil
import tempfile
import tomllib
import uuid
from pathlib import Path

import pytest

from support.certs import Authority
from support.config import Host, Settings
from support.door import Door
from support.files import Sender
from support.node import install
from support.peers import PEERS
from support.people import Person
from support.servers import Anser
from support.stage import Stage
from support.waits import free_port

KINDS = {"anser": Anser, **PEERS}


def pytest_addoption(parser):
    parser.addoption("--server", choices=list(KINDS), default="anser", help="which server is on stage")
    parser.addoption("--keep", action="store_true", help="leave the servers' folders behind")


def pytest_collection_modifyitems(config, items):
    kind = config.getoption("--server")
    if kind == "anser":
        return
    listed = tomllib.loads((Path(__file__).parent / "peer_differences.toml").read_text())[kind]
    differences = {test: entry for entry in listed for test in entry["tests"]}
    for item in items:
        if only := item.get_closest_marker("anser_only"):
            item.add_marker(pytest.mark.skip(reason=f"only Anser: {only.args[0]}"))
        known = differences.get(item.nodeid) or differences.get(item.nodeid.partition("[")[0])
        if known:
            item.add_marker(pytest.mark.xfail(reason=known["why"], strict=not known.get("sometimes", False)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and "server_log" in getattr(item, "funcargs", {}):
        for server in item.funcargs["server_log"]:
            report.sections.append((f"end of the log of {server.kind}", server.log()))
    return report


@pytest.fixture(scope="session")
def server_kind(request) -> str:
    return request.config.getoption("--server")


@pytest.fixture(scope="session")
def folder(request, server_kind, worker_id):
    """Where this worker's servers live: data, configuration, logs."""
    base = Path("/tmp/e2e-peer" if server_kind in PEERS else tempfile.gettempdir())
    base.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"anser-e2e-{worker_id}-", dir=base))
    yield made
    if not request.config.getoption("--keep"):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(folder) -> Authority:
    made = Authority(folder / "certificates")
    Person.authority = made.path
    return made


@pytest.fixture(scope="session")
def new_server(server_kind, folder, authority):
    """Makes and starts a server. Ports differ each time; words are those of Settings."""
    made = []

    def make(**wishes):
        settings = Settings(
            hosts=[
                Host("localhost", authority.for_host("localhost", "127.0.0.1"), ("chat.localhost", "192.168.8.32")),
                Host("capulet.test", authority.for_host("capulet.test")),
            ],
            port=free_port(),
            tls_port=free_port(),
            http_port=free_port(),
            https_port=free_port(),
        )
        for name, value in wishes.items():
            assert hasattr(settings, name), name
            setattr(settings, name, value)
        server = KINDS[server_kind](folder / f"server-{len(made)}", settings)
        made.append(server)
        return server.start()

    yield make
    for server in made:
        server.kill()


@pytest.fixture(scope="session")
def house(new_server):
    """The server that most tests share: everything open, no limits on how often."""
    return new_server()


@pytest.fixture
def server_log(house):
    """The servers whose logs are shown if the test fails."""
    return [house]


@pytest.fixture
async def server(house, server_log):
    if house.process.poll() is not None:  # the test that broke it has said so
        house.start()
    stage = Stage(house)
    yield stage
    await stage.close()
    assert house.process.poll() is None, f"the server ended with {house.process.returncode}:\n{house.log()}"


@pytest.fixture
async def start(new_server, server_log):
    """`stage = await start(registration="closed")`: a stage on a server of the test's own."""
    stages = []

    async def make(**wishes) -> Stage:
        running = new_server(**wishes)
        server_log.append(running)
        stages.append(Stage(running))
        return stages[-1]

    yield make
    for stage in stages:
        await stage.close()
        stage.house.kill()


@pytest.fixture
def door(server) -> Door:
    return Door(server)


@pytest.fixture
async def romeo(server) -> Sender:
    """Sends files to the server that most tests share; an account that only this test has."""
    return Sender(server.house.settings.http_port, await server.account("romeo"))


@pytest.fixture
def agent() -> str:
    """The id of an installation of a client."""
    return str(uuid.uuid4())


@pytest.fixture(scope="session")
def packages() -> None:
    """What programs on Node.js need."""
    install()
