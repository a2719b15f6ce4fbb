"""Two people with aioxmpp: another library, another reading of the same rules."""

import asyncio

import aioxmpp
import aioxmpp.connector
import aioxmpp.security_layer
import pytest

from support.waits import within


def _client(account, port: int) -> aioxmpp.PresenceManagedClient:
    return aioxmpp.PresenceManagedClient(
        aioxmpp.JID.fromstr(account.jid),
        aioxmpp.make_security_layer(account.password, no_verify=True),
        override_peer=[("127.0.0.1", port, aioxmpp.connector.STARTTLSConnector())],
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_aioxmpp_people_meet(server):
    port = server.house.settings.port
    romeo_client = _client(await server.account("romeo"), port)
    juliet_client = _client(await server.account("juliet"), port)
    roster = romeo_client.summon(aioxmpp.RosterClient)
    heard: asyncio.Queue = asyncio.Queue()
    juliet_client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher).register_callback(
        aioxmpp.MessageType.CHAT, None, heard.put_nowait
    )

    async with romeo_client.connected() as romeo, juliet_client.connected():
        message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=juliet_client.local_jid)
        message.body[None] = "call me but love"
        await within(romeo.send(message), "a message to be sent")

        assert (await within(heard.get(), "a message")).body.any() == "call me but love"
        assert roster.items == {}
