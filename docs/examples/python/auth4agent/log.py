"""The revocation log: what has ended, and whether anything may be missing."""
import base64, hashlib, io, re, time
from datetime import datetime, timedelta, timezone

from .wire import base64url, is_whole, strict_json

KINDS = ("token", "agent", "operator", "key", "deployment")


class Broken(Exception):
    """A revocation may be missing. The log must be read again from its beginning."""


class Ended:
    """What the records read so far have ended."""

    def __init__(self):
        self.once, self.minimum = set(), {}

    def apply(self, kind, operator, subject, minimum_epoch):
        if kind in ("token", "key"):
            self.once.add((kind, operator, subject))
        else:  # an epoch never falls
            self.minimum[kind, operator, subject] = max(minimum_epoch, self.minimum.get((kind, operator, subject), 0))

    def has_key(self, kid):
        return ("key", "", kid) in self.once

    def verdict(self, kid, jti, operator, did, epoch):
        """Why a token has ended, or None. A token with a smaller epoch than the minimum has ended."""
        if self.has_key(kid):
            return "UNKNOWN_KEY"
        if ("token", operator, jti) in self.once:
            return "TOKEN_REVOKED"
        if any(epoch[1] < self.minimum.get(key, 0) for key in [("deployment", "", ""), ("operator", operator, "")]):
            return "OPERATOR_TOKENS_ENDED"
        return "AGENT_TOKENS_ENDED" if epoch[0] < self.minimum.get(("agent", operator, did), 0) else None


class Log:
    """Follows the log. Answers come from `ended`. A new reading replaces it when a head confirms that reading."""

    def __init__(self):
        self.ended, self.known_at = Ended(), float("-inf")
        self.begin_again()

    def begin_again(self):
        self.reading, self.position, self.known_at = Ended(), None, float("-inf")

    @property
    def is_whole(self):
        return self.reading is self.ended

    def last_event_id(self):
        """Where the next connection resumes."""
        return self.position and "-".join(map(str, self.position[:2])) + "-" + base64url(self.position[2])

    def connect(self, wall_s=None):
        """A connection begins. `wall_s` replaces the clock in tests."""
        self.first, self.begin, self.wall_s = None, now_monotonic(), wall_s or time.time()

    def take(self, name: str, data: str):
        """Takes one event of the stream."""
        try:
            value = strict_json(data.encode())
            if name == "error" and value.get("reason") != "RESYNC_REQUIRED":
                raise ConnectionError(value.get("reason"))
            {"record": self.take_record, "head": self.take_head}[name](value)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Broken("an event that is not understood, which may end any token") from error

    def take_record(self, record):
        epoch, sequence, digest = read_position(record["position"])
        previous = from_base64(record["previous_hash"])
        kind = record["kind"].removeprefix("REVOCATION_KIND_").lower()
        if self.position and (sequence, previous) != (self.position[1] + 1, self.position[2]):
            raise Broken("a gap or a fork")
        ending = [kind, record["operator_id"], record["subject"], record["minimum_epoch"]]
        fields = [epoch, sequence, *ending, to_ms(record["expires_at"]), to_ms(record["recorded_at"])]
        if kind not in KINDS or record_hash(previous, fields) != digest:
            raise Broken("an unknown kind, or not what its hash says")
        self.reading.apply(*ending)
        # A record keeps the log epoch it was made in; the head tells the epoch of the log.
        self.position = (self.position[0] if self.is_whole else epoch, sequence, digest)

    def take_head(self, head):
        position = read_position(head["position"])
        if self.position:
            is_other = position[0] != self.position[0] if self.is_whole else position[0] < self.position[0]
            if position[1:] != self.position[1:] or is_other:
                raise Broken("the log does not end here")
        self.confirm(to_ms(head["observed_at"]))
        self.position, self.ended = position, self.reading

    def confirm(self, observed_ms: int, skew_s=10):
        if self.first is None and observed_ms < (self.wall_s - skew_s) * 1000:
            raise ConnectionError("old heartbeats: somebody kept them, or the clocks differ too much")
        # The server read the log for the first head after we connected, and for a later head as much later as the
        # heads say. So the age is never too small, although clocks differ and the network may delay events.
        self.first = observed_ms if self.first is None else self.first
        passed = (observed_ms - self.first) / 1000
        self.begin = min(self.begin, now_monotonic() - passed)
        self.known_at = max(self.known_at, self.begin + passed)

    def age(self) -> float:
        return now_monotonic() - self.known_at


def now_monotonic() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # time.monotonic() stops while the machine sleeps


def record_hash(previous: bytes, fields: list) -> bytes:
    return hashlib.sha256(previous + "\n".join(map(str, fields)).encode()).digest()


def from_base64(text: str) -> bytes:
    """Accepts the standard and the URL-safe alphabet, each with full padding or none."""
    data = base64.urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "=" * (-len(text) % 4))
    forms = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    if text not in forms + tuple(form.rstrip("=") for form in forms):
        raise ValueError("not canonical base64")
    return data


def read_position(value) -> tuple:
    digest = from_base64(value["hash"])
    if not is_whole(value["log_epoch"]) or not is_whole(value["sequence"]) or len(digest) not in (0, 32):
        raise ValueError("not a position")
    return value["log_epoch"], value["sequence"], digest


def to_ms(text: str) -> int:
    if not re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{3})?Z", text):
        raise ValueError("not a time")
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def read_events(stream):
    """Server-sent events as pairs of name and data. An event that was cut off has no empty line behind it."""
    name, data = "message", []
    for line in io.TextIOWrapper(stream, "utf-8-sig"):  # reads every kind of line end, and skips a byte order mark
        field, _, value = line.rstrip("\n").partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif line == "\n":
            if data:
                yield name, "\n".join(data)
            name, data = "message", []
