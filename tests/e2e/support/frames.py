"""The frames of the WebSocket door: `proto/anser.proto` as protoc reads it, in messages of Python's protobuf."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

SCHEMA = Path(__file__).resolve().parents[3] / "proto/anser.proto"

NUMBERS = {
    "AckMessage": 10,
    "Message": 11,
    "Auth": 12,
    "AuthResult": 13,
    "Error": 14,
    "Presence": 15,
    "Roster": 16,
    "SetContact": 17,
    "Typing": 18,
    "Receipt": 19,
    "HistoryRequest": 20,
    "HistoryPage": 21,
    "Subscribe": 22,
    "Unsubscribe": 23,
    "Done": 24,
}
NAMES = {number: name for name, number in NUMBERS.items()}


def _read_schema() -> descriptor_pool.DescriptorPool:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "schema"
        command = ["protoc", f"--proto_path={SCHEMA.parent}", f"--descriptor_set_out={out}", SCHEMA.name]
        subprocess.run(command, check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _class(name: str):
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"socket.{name}"))


_POOL = _read_schema()
AckMessage, Message, Auth, AuthResult, Error = map(_class, ("AckMessage", "Message", "Auth", "AuthResult", "Error"))
Presence, Roster, SetContact, Contact = map(_class, ("Presence", "Roster", "SetContact", "Contact"))
Attachment, Typing, Receipt = map(_class, ("Attachment", "Typing", "Receipt"))
HistoryRequest, HistoryPage = map(_class, ("HistoryRequest", "HistoryPage"))
Subscribe, Unsubscribe, Done = map(_class, ("Subscribe", "Unsubscribe", "Done"))


@dataclass
class Frame:
    """`name` is that of its message, or "heartbeat"; then the message is a dict."""

    name: str
    message: object


def type_of(message) -> int:
    return NUMBERS[message.DESCRIPTOR.name]


def to_binary(message) -> bytes:
    return type_of(message).to_bytes(2, "little") + message.SerializeToString()


def to_json(message) -> str:
    return json.dumps({"type": type_of(message), "message": json_format.MessageToDict(message)}, ensure_ascii=False)


def read(data: bytes | str) -> Frame:
    """As strict as a client can be: what is unknown to the schema is an error."""
    if isinstance(data, bytes):
        name = NAMES[int.from_bytes(data[:2], "little")]
        message = _class(name).FromString(data[2:])
        assert message.SerializeToString() == data[2:], f"fields that the schema does not know: {data.hex()}"
        return Frame(name, message)
    said = json.loads(data)
    if "module" in said:
        return Frame("heartbeat", said)
    assert set(said) == {"type", "message"}, data
    return Frame(NAMES[said["type"]], json_format.ParseDict(said["message"], _class(NAMES[said["type"]])()))
