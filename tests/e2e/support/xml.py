"""What a peer sends, as small trees: expat (somebody else's parser, namespaces on) decides what it was."""

from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
ROSTER = "jabber:iq:roster"
REGISTER = "jabber:iq:register"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
COMPRESS = "http://jabber.org/protocol/compress"
BLOCKING = "urn:xmpp:blocking"
DELAY = "urn:xmpp:delay"
CAPS = "http://jabber.org/protocol/caps"
CHAT_STATES = "http://jabber.org/protocol/chatstates"
PING = "urn:xmpp:ping"
SM = "urn:xmpp:sm:3"
MAM = "urn:xmpp:mam:2"
FORWARD = "urn:xmpp:forward:0"
STANZA_ID = "urn:xmpp:sid:0"
RSM = "http://jabber.org/protocol/rsm"
DATA = "jabber:x:data"
RETRACT = "urn:xmpp:message-retract:1"
HINTS = "urn:xmpp:hints"
CARBONS = "urn:xmpp:carbons:2"
CSI = "urn:xmpp:csi:0"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
SASL2 = "urn:xmpp:sasl:2"
BIND2 = "urn:xmpp:bind:0"
FAST = "urn:xmpp:fast:0"
LIMITS = "urn:xmpp:stream-limits:0"
UPGRADE = "urn:xmpp:sasl:upgrade:0"
SCRAM_UPGRADE = "urn:xmpp:scram-upgrade:0"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


@dataclass
class StanzaError:
    type: str | None
    condition: str | None
    code: str | None
    text: str | None
    by_application: list[str]


@dataclass(eq=False)
class Node:
    """An element. Attributes are read with node["type"]; one that is absent is None."""

    name: str
    ns: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    text: str = ""

    def __getitem__(self, attribute: str) -> str | None:
        return self.attributes.get(attribute)

    def child(self, name: str, ns: str | None = None) -> "Node | None":
        return next(iter(self.all(name, ns)), None)

    def all(self, name: str, ns: str | None = None) -> list["Node"]:
        return [child for child in self.children if child.name == name and ns in (None, child.ns)]

    def has(self, name: str, ns: str | None = None) -> bool:
        return self.child(name, ns) is not None

    def text_of(self, name: str, ns: str | None = None) -> str | None:
        found = self.child(name, ns)
        return None if found is None else found.text

    @property
    def names(self) -> list[str]:
        return [child.name for child in self.children]

    @property
    def error(self) -> StanzaError | None:
        error = self.child("error", self.ns)
        if error is None:
            return None
        conditions = [c.name for c in error.children if c.ns == STANZA_ERRORS and c.name != "text"]
        return StanzaError(
            error["type"],
            conditions[0] if conditions else None,
            error["code"],
            error.text_of("text", STANZA_ERRORS),
            [c.name for c in error.children if c.ns != STANZA_ERRORS],
        )

    def same_as(self, other: "Node") -> bool:
        """Equal as XML infosets, but for white space between elements."""
        return (
            (self.name, self.ns, self.attributes, self.text.strip())
            == (other.name, other.ns, other.attributes, other.text.strip())
            and len(self.children) == len(other.children)
            and all(a.same_as(b) for a, b in zip(self.children, other.children))
        )

    def __repr__(self) -> str:
        return self._shown(depth=20)

    def _shown(self, depth: int) -> str:
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes.items())
        inner = escape(self.text[:2000]) + "".join(c._shown(depth - 1) for c in self.children if depth)
        return f"<{self.name} xmlns={quoteattr(self.ns)}{attributes}>{inner}</{self.name}>"


class StreamParser:
    """Feeds on bytes of one stream; `header` is its open tag, `elements` what came since, `closed` its end tag."""

    def __init__(self) -> None:
        self.header: Node | None = None
        self.elements: list[Node] = []
        self.closed = False
        self._path: list[Node] = []
        self._expat = expat.ParserCreate(namespace_separator=" ")
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        if hasattr(self._expat, "SetReparseDeferralEnabled"):
            self._expat.SetReparseDeferralEnabled(False)

    def feed(self, data: bytes) -> None:
        self._expat.Parse(data, False)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        ns, _, local = name.rpartition(" ")
        named = {key.replace(XML_NAMESPACE + " ", "xml:"): value for key, value in attributes.items()}
        node = Node(local, ns, named)
        if not self._path:
            self.header = node
        elif len(self._path) > 1:
            self._path[-1].children.append(node)
        self._path.append(node)

    def _end(self, _: str) -> None:
        node = self._path.pop()
        if len(self._path) == 1:
            self.elements.append(node)
        elif not self._path:
            self.closed = True

    def _characters(self, text: str) -> None:
        if len(self._path) > 1:
            self._path[-1].text += text


def parse(text: str) -> Node:
    """One element that stands for itself, in the namespace of client stanzas unless it says otherwise."""
    parser = StreamParser()
    parser.feed(f"<stream xmlns='{CLIENT}'>{text}".encode())
    (node,) = parser.elements
    return node
