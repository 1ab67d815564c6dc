"""The revocation log: what has ended, and whether anything may be missing. Refused("RESYNC_REQUIRED") means
that a revocation may be missing: the log must be read again from its beginning."""
import hashlib, io, time
from datetime import datetime, timedelta, timezone

from .wire import Refused, base64url, from_base64url, is_text, is_whole, require, strict_json

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
VERDICTS = {  # in this order
    "key": "UNKNOWN_KEY", "token": "TOKEN_REVOKED", "deployment": "OPERATOR_TOKENS_ENDED",
    "operator": "OPERATOR_TOKENS_ENDED", "agent": "AGENT_TOKENS_ENDED",
    "issuer": "ISSUER_DISABLED", "edge": "TRUST_ENDED"}


class Ended(dict):
    """What the records read so far have ended: the smallest epoch that is still good, for each subject."""

    def apply(self, kind, operator, subject, minimum_epoch):
        least = float("inf") if kind in ("token", "key", "edge") else minimum_epoch  # these have no epochs
        key = kind, operator, subject
        self[key] = max(least, self.get(key, 0))  # an epoch never falls

    def verdict(self, kid, jti, operator, did, epoch, edges=(), home=None):
        """Why a token has ended, or None. `edges` and `home` name the trust through which it was issued."""
        epochs = {("key", "", kid): 0, ("token", operator, jti): 0, ("deployment", "", ""): epoch[1],
                  ("operator", operator, ""): epoch[1], ("agent", operator, did): epoch[0],
                  **{("edge", "", edge): 0 for edge in edges}}
        if home:
            epochs["issuer", "", home["iss"]] = home["generation"]
        ended = {key[0] for key, value in epochs.items() if value < self.get(key, 0)}
        return next((verdict for kind, verdict in VERDICTS.items() if kind in ended), None)


class Log:
    """Follows the log. Answers come from `ended`. A new reading replaces it when a head confirms
    that reading."""

    def __init__(self):
        self.ended = Ended()
        self.begin_again()

    def begin_again(self):
        self.reading, self.position, self.known_at, self.is_whole = Ended(), None, float("-inf"), False

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
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise Refused("RESYNC_REQUIRED") from error  # an event that is not understood may end any token

    def take_record(self, record):
        epoch, sequence, digest = read_position(record["position"])
        previous = from_base64(record["previous_hash"])
        kind = record["kind"].removeprefix("REVOCATION_KIND_").lower()
        follows = not self.position or (sequence, previous) == (self.position[1] + 1, self.position[2])
        ending = [kind, record["operator_id"], record["subject"], record["minimum_epoch"]]
        fields = [epoch, sequence, *ending, to_ms(record["expires_at"]), to_ms(record["recorded_at"])]
        # Otherwise there is a gap, a fork, an unknown kind, or a record that is not what its hash says.
        require("RESYNC_REQUIRED", follows and kind in VERDICTS and record_hash(previous, fields) == digest)
        self.reading.apply(*ending)
        # A record keeps the log epoch it was made in; the head tells the epoch of the log.
        self.position = (self.position[0] if self.is_whole else epoch, sequence, digest)

    def take_head(self, head):
        position = read_position(head["position"])
        if self.position:
            is_other = position[0] != self.position[0] if self.is_whole else position[0] < self.position[0]
            require("RESYNC_REQUIRED", position[1:] == self.position[1:] and not is_other)
        self.confirm(to_ms(head["observed_at"]))
        self.position, self.ended, self.is_whole = position, self.reading, True

    def confirm(self, observed_ms: int, skew_s=10):
        if self.first is None and observed_ms < (self.wall_s - skew_s) * 1000:
            raise ConnectionError("old heartbeats: somebody kept them, or the clocks differ too much")
        # The server read the log for the first head after we connected, and for a later head as much later as
        # the heads say. So the age is never too small, although clocks differ and events may be delayed.
        self.first = observed_ms if self.first is None else self.first
        passed = (observed_ms - self.first) / 1000
        self.begin = min(self.begin, now_monotonic() - passed)
        self.known_at = max(self.known_at, self.begin + passed)


def now_monotonic() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # time.monotonic() stops while the machine sleeps


def record_hash(previous: bytes, fields: list) -> bytes:
    return hashlib.sha256(previous + "\n".join(map(str, fields)).encode()).digest()


def from_base64(text: str) -> bytes:
    """A hash in the standard or the URL-safe alphabet, with its one sign of padding or without."""
    require("RESYNC_REQUIRED", not set("+/") & set(text) or not set("-_") & set(text))
    return from_base64url(text.replace("+", "-").replace("/", "_").removesuffix("=" * (len(text) == 44)))


def read_position(value) -> tuple:
    digest = from_base64(value["hash"])
    epoch, sequence = value["log_epoch"], value["sequence"]
    require("RESYNC_REQUIRED", is_whole(epoch) and is_whole(sequence) and len(digest) in (0, 32))
    return epoch, sequence, digest


def to_ms(text: str) -> int:
    if not is_text(text, r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{3})?Z"):
        raise ValueError("not a time of the log")
    # Subtracting, because timestamp() would take a time without its zone as a local time.
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def read_events(stream):
    """Server-sent events as pairs of name and data. An event that was cut off has no empty line behind it."""
    event = {}
    for line in io.TextIOWrapper(stream, "utf-8-sig"):  # takes every line end, and skips a byte order mark
        field, separator, value = line.rstrip("\n").partition(":")
        if field or separator:
            event.setdefault(field, []).append(value.removeprefix(" "))
        else:
            if "data" in event:
                yield event.get("event", ["message"])[-1], "\n".join(event["data"])
            event = {}
