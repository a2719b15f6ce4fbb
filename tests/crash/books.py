"""The book-keeper: told what each client sent, what was acknowledged and what arrived, it says what does not agree.

A device has a name that stays. A flow is what one device says to one address, numbered for as long as the test runs:
order is promised within it (RFC 6120, section 10.1, has a full address and the bare one apart). A stay is one session
of a device, however often it is resumed: who logs in anew begins another. `check` is asked when all is quiet:
everything sent is acknowledged or refused, every account has a device online, and the archives have been read to their
ends. What is settled then is forgotten but for its last number, so the books do not grow with the test."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Promise(StrEnum):
    """`stored`: what is acknowledged is in the archives, and arrives at least once; but what was under way to a session
    that a crash has ended is only in the archives. `exact`: sessions are resumed after a crash, nothing is missing and
    nothing comes twice, and what a client sends again is not doubled."""

    STORED = "stored"
    EXACT = "exact"


@dataclass
class Flow:
    name: str
    sender: str  # device
    recipient: str  # account
    sent: int = 0
    settled: int = 0  # all numbers up to here have been checked


@dataclass(eq=False)
class Message:
    flow: Flow
    number: int
    moment: int  # when it was sent first, in the order of all
    acknowledged: bool = False
    refused: str | None = None  # the condition of the error
    doubtful: bool = False  # sent again by somebody who had to log in anew
    excused: bool = False  # was under way to a session that is lost, see Promise.STORED

    @property
    def name(self) -> str:
        return f"{self.flow.name}-{self.number}"


@dataclass(eq=False)
class Stay:
    device: "Device"
    since: int | None = None  # the moment from which it must be given everything
    got: set[str] = field(default_factory=set)  # since the last check
    newest: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by flow


@dataclass(eq=False)
class Device:
    name: str
    account: str
    stay: Stay | None = None
    got: set[str] = field(default_factory=set)  # in earlier stays too, since the last check


@dataclass(eq=False)
class Archive:
    found: Counter = field(default_factory=Counter)  # since the last check
    newest: dict[str, int] = field(default_factory=lambda: defaultdict(int))  # by flow


class Books:
    def __init__(self, promise: Promise):
        self.promise = promise
        self.problems: list[str] = []
        self.counts: Counter = Counter()
        self._devices: dict[str, Device] = {}
        self._of_account: dict[str, list[Device]] = defaultdict(list)
        self._flows: dict[str, Flow] = {}
        self._archives: dict[str, Archive] = defaultdict(Archive)
        self._open: dict[str, Message] = {}  # since the last check, by name
        self._moment = 0

    # Who is there

    def device(self, name: str, account: str) -> None:
        self._devices[name] = Device(name, account)
        self._of_account[account].append(self._devices[name])

    def begins(self, device: str) -> Stay:
        """Another stay; the one before is over."""
        known = self._devices[device]
        known.stay = Stay(known)
        return known.stay

    def ends(self, stay: Stay) -> None:
        """It will not be resumed, and nobody expects it to."""
        stay.device.stay = None

    def ready(self, stay: Stay) -> None:
        """From now on it must be given everything."""
        stay.since = self._moment

    # What is sent

    def sends(self, device: str, recipient: str, resource: str = "") -> Message:
        """To an account, or to one of its devices by a full address."""
        name = f"{device}-{recipient}/{resource}" if resource else f"{device}-{recipient}"
        flow = self._flows.setdefault(name, Flow(name, device, recipient))
        flow.sent += 1
        self._moment += 1
        message = Message(flow, flow.sent, self._moment)
        self._open[message.name] = message
        self.counts["messages"] += 1
        return message

    def sends_again(self, message: Message, *, anew: bool) -> None:
        message.doubtful |= anew
        self.counts["sent again"] += 1

    def acknowledged(self, message: Message) -> None:
        self.counts["acknowledged"] += not message.acknowledged
        message.acknowledged = True

    def refused(self, name: str, condition: str) -> None:
        message = self._open.get(name)
        if message is None:
            return self._finds("wrong", f"{name} is refused ({condition}) and was not sent, or was settled long ago")
        message.refused = condition
        self.counts["refused"] += 1

    # What comes

    def arrived(self, stay: Stay, name: str) -> None:
        device = stay.device
        flow, number = self._flow_of(name)
        if flow is None:
            return self._finds("wrong", f"{device.name} got {name}, which was not sent")
        if device.account not in (flow.recipient, self._devices[flow.sender].account):
            return self._finds("wrong", f"{device.name} got {name}, which was for {flow.recipient}")
        self.counts["arrived"] += 1
        settled, newest = number <= flow.settled, stay.newest[flow.name]
        if name in stay.got or (settled and number <= newest):
            if not settled and self._open[name].doubtful and self.promise is Promise.STORED:
                self.counts["delivered again"] += 1
                return None
            return self._finds("doubled", f"{device.name} got {name} twice in one session")
        if name in device.got or settled:
            self.counts["delivered again"] += 1
        # What was sent again after a new login may pass what still waits from before; nothing else may.
        if self.promise is Promise.EXACT or settled or not self._open[name].doubtful:
            if number < newest and not self._may_be_overtaken(stay, flow, name):
                self._finds("disordered", f"{device.name} got {name} after number {newest}")
            stay.newest[flow.name] = max(number, newest)
        stay.got.add(name)
        device.got.add(name)
        return None

    def _may_be_overtaken(self, stay: Stay, flow: Flow, name: str) -> bool:
        """What was said to a full address waits until its device is available, but who is bound is given at once what is
        said then (RFC 6121, section 8.5.3.1)."""
        message = self._open.get(name)
        return "/" in flow.name and message is not None and (stay.since is None or message.moment <= stay.since)

    def archived(self, account: str, name: str) -> None:
        """Told of each entry once, in the order of the archive."""
        flow, number = self._flow_of(name)
        if flow is None:
            return self._finds("wrong", f"the archive of {account} has {name}, which was not sent")
        if account not in self._concerned(flow):
            return self._finds("wrong", f"the archive of {account} has {name}, which was for {flow.recipient}")
        self.counts["archived"] += 1
        if number <= flow.settled:
            return self._finds("doubled", f"the archive of {account} has {name} once more, long after")
        archive = self._archives[account]
        archive.found[name] += 1
        if archive.found[name] > 1:
            if not self._open[name].doubtful or self.promise is Promise.EXACT:
                self._finds("doubled", f"the archive of {account} has {name} twice")
            return None
        newest = archive.newest[flow.name]
        if number < newest:
            self._finds("disordered", f"the archive of {account} has {name} after number {newest}")
        archive.newest[flow.name] = max(number, newest)
        return None

    # What clients notice themselves

    def lost_its_session(self, device: str, why: str, *, promised: bool = True) -> None:
        """The server would not resume it after a crash. Not even `exact` promises that before it has acknowledged
        something; what was under way to such a session is only in the archives."""
        self.counts["sessions lost"] += 1
        if promised and self.promise is Promise.EXACT:
            return self._finds("unresumed", f"{device}: {why}")
        account = self._devices[device].account
        for message in self._open.values():
            message.excused |= message.flow.recipient == account
        return None

    def wrong(self, what: str) -> None:
        self._finds("wrong", what)

    def lost(self, what: str) -> None:
        """Something else than a message that was acknowledged and is not there."""
        self._finds("missing", what)

    # The sum

    def waiting(self) -> bool:
        """Whether something has still to arrive before it makes sense to check."""
        return any(True for message in self._open.values() for _ in self._not_arrived(message))

    def check(self) -> None:
        for message in self._open.values():
            if not (message.acknowledged or message.refused):
                self._finds("missing", f"{message.name} was neither acknowledged nor refused")
            for complaint in self._not_arrived(message):
                self._finds("missing", complaint)
            if message.excused and not (message.refused or self._has_arrived(message)):
                self.counts["only archived"] += 1
            for complaint in self._not_archived(message):
                self._finds("missing", complaint)
            if message.refused:
                self._check_refused(message)
        self.counts["checks"] += 1
        self._forget()

    def _has_arrived(self, message: Message) -> bool:
        return any(message.name in device.got for device in self._of_account[message.flow.recipient])

    def _not_arrived(self, message: Message) -> Iterator[str]:
        if not message.acknowledged or message.refused:
            return
        if not self._has_arrived(message):
            if not message.excused:
                yield f"{message.name} was acknowledged and has not arrived"
        elif self.promise is Promise.EXACT:
            # Each session that has been there all the time: of the recipient, or beside the one it was sent from.
            sender = self._devices[message.flow.sender]
            for device in self._of_account[message.flow.recipient] + self._of_account[sender.account]:
                stay = device.stay
                if device is sender or stay is None or stay.since is None or stay.since >= message.moment:
                    continue
                if message.name not in stay.got:
                    yield f"{message.name} has not arrived at {device.name}, which was there all the time"

    def _not_archived(self, message: Message) -> Iterator[str]:
        if message.acknowledged and not message.refused:
            for account in self._concerned(message.flow):
                if not self._archives[account].found[message.name]:
                    yield f"{message.name} was acknowledged and is not in the archive of {account}"

    def _check_refused(self, message: Message) -> None:
        if self._has_arrived(message):
            self._finds("wrong", f"{message.name} was refused and has arrived")
        for account in self._concerned(message.flow):
            if self._archives[account].found[message.name]:
                self._finds("wrong", f"{message.name} was refused and is in the archive of {account}")

    def _forget(self) -> None:
        self._open.clear()
        for flow in self._flows.values():
            flow.settled = flow.sent
        for device in self._devices.values():
            device.got.clear()
            if device.stay:
                device.stay.got.clear()
        for archive in self._archives.values():
            archive.found.clear()

    def _concerned(self, flow: Flow) -> tuple[str, str]:
        return self._devices[flow.sender].account, flow.recipient

    def _flow_of(self, name: str) -> tuple[Flow | None, int]:
        """None if no such message was ever sent."""
        flow, _, digits = name.rpartition("-")
        known, number = self._flows.get(flow), int(digits) if digits.isdigit() else 0
        return (known, number) if known and 0 < number <= known.sent else (None, 0)

    def _finds(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.problems.append(f"{kind}: {what}")
