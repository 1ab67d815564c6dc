"""A service: verifies tokens offline, and follows the revocation log meanwhile."""
import http.client, json, re, threading, time

from .log import Broken, Log, read_events
from .wire import (ALGORITHMS, InvalidSignature, MEMBERS, Refused, from_base64url, is_text, is_whole, parse_did,
                   send, strict_json, thumbprint)

SCOPE = r"[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128}"  # RFC 6749 without `*`, which may come to mean something
UUID = "-".join("[0-9a-f]{%d}" % length for length in (8, 4, 4, 4, 12))
DANGEROUS = {"crit", "b64", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"}
RESTRICTING = {"act", "cnf", "may_act"}  # such a token is good in certain hands only, which is not checked here


def import_keys(jwks: dict) -> dict:
    """The keys that count: for signatures, named by their own thumbprint, with no member too many."""
    entries, keys = jwks.get("keys") if isinstance(jwks, dict) else None, {}
    if not isinstance(entries, list) or len(entries) > 64:
        raise ValueError("not a JWKS")
    for entry in entries:
        try:
            jwk = {name: value for name, value in entry.items() if name not in ("alg", "kid", "use")}
            if entry["use"] == "sig" and sorted(jwk) == MEMBERS[jwk["kty"]] and thumbprint(jwk) == entry["kid"]:
                keys.setdefault(entry["kid"], (entry["alg"], ALGORITHMS[entry["alg"]](jwk)))
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
    return keys


def check_claims(c: dict) -> bool:
    """Every claim is there, has its type, and fits the others. Unknown claims are ignored."""
    aud, epoch, times = c.get("aud"), c.get("epoch"), [c.get(name) for name in ("iat", "nbf", "exp")]
    return (not RESTRICTING & c.keys() and is_text(c.get("iss"), 2048)
            and is_text(c.get("sub"), 512) and parse_did(c["sub"]) is not None and c.get("client_id") == c["sub"]
            and isinstance(aud, list) and 1 <= len(aud) <= 8 and all(is_text(text, 2048, ".+") for text in aud)
            and is_text(c.get("scope"), 16384, f"({SCOPE}( {SCOPE})*)?") and len(set(c["scope"].split(" "))) <= 64
            and is_text(c.get("operator_id"), 36, UUID) and is_text(c.get("jti"), 64, "[!-~]+")
            and all(is_whole(at, 1, 253402300799) for at in times)
            and times[0] <= times[1] < times[2] <= times[0] + 3600
            and isinstance(epoch, list) and len(epoch) == 2 and all(is_whole(n, 1, 2**31 - 1) for n in epoch))


def read_token(token: str, keys: dict, ended, issuer: str) -> tuple:
    """The kid and the claims of a genuine token. Raises Refused."""
    try:
        parts = token.split(".")
        if len(token) > 16384 or len(parts) != 3 or "" in parts:
            raise ValueError("not three parts")
        header = strict_json(from_base64url(parts[0]))
        kid, alg = header.get("kid"), header.get("alg")
        if DANGEROUS & header.keys():
            raise ValueError("a header that would choose the key or change the meaning")
        if not is_text(alg, 16) or alg not in ALGORITHMS:
            raise Refused("UNSUPPORTED_ALGORITHM")
        claims, signature = strict_json(from_base64url(parts[1])), from_base64url(parts[2])
        if header.get("typ") != "at+jwt" or not is_text(kid, 128, "[!-~]+") or not check_claims(claims):
            raise ValueError("not an access token")
    except ValueError:
        raise Refused("MALFORMED_TOKEN") from None
    if kid not in keys or ended.has_key(kid):
        raise Refused("UNKNOWN_KEY")
    if keys[kid][0] != alg:  # never the algorithm that the token chooses
        raise Refused("UNSUPPORTED_ALGORITHM")
    try:
        keys[kid][1](signature, f"{parts[0]}.{parts[1]}".encode())
    except (InvalidSignature, ValueError):
        raise Refused("SIGNATURE_INVALID") from None
    if claims["iss"] != issuer:
        raise Refused("WRONG_ISSUER")
    return kid, claims


def check(token, keys, ended, *, issuer, audience, operators, now, scope="", skew=10) -> dict:
    """The claims of a valid token. Raises Refused with the first verdict that applies, in the server's order."""
    kid, claims = read_token(token, keys, ended, issuer)
    trusted = {claims["operator_id"], parse_did(claims["sub"])[0]}
    checks = [
        ("TOKEN_EXPIRED", now < claims["exp"] + skew),
        ("TOKEN_NOT_YET_VALID", now >= claims["nbf"] - skew),
        ("AUDIENCE_MISMATCH", set(audience) & set(claims["aud"])),
        ("OPERATOR_NOT_TRUSTED", operators == "any" or trusted & set(operators)),
        ("SCOPE_MISSING", set(scope.split()) <= set(claims["scope"].split(" "))),
    ]
    failed = [verdict for verdict, holds in checks if not holds]
    facts = claims["jti"], claims["operator_id"], claims["sub"], claims["epoch"]
    verdict = failed[0] if failed else ended.verdict(kid, *facts)
    if verdict:
        raise Refused(verdict)
    return claims


class Verifier:
    """`operator` authenticates for the log; `operators` are the ids and domains that are trusted, or "any"."""

    def __init__(self, operator, audience: list, operators, max_staleness=5):
        self.operator, self.max_staleness = operator, max_staleness
        self.settings = {"issuer": operator.issuer, "audience": audience, "operators": operators}
        self.log, self.keys, self.ready = Log(), {}, threading.Event()
        threading.Thread(target=self.follow, daemon=True).start()

    def verify(self, token: str, scope="") -> dict:
        claims = check(token, self.keys, self.log.ended, now=time.time(), scope=scope, **self.settings)
        if self.log.age() > self.max_staleness:  # it may have been revoked: not knowing is never "valid"
            raise Refused("REVOCATIONS_STALE")
        return claims

    def follow(self):
        while True:
            try:
                self.read_stream()
            except (Broken, Refused):  # the server may have refused to resume from here
                self.log.begin_again()
            except (OSError, ValueError, http.client.HTTPException):
                pass  # the next connection resumes; verify() refuses when the log is too old
            time.sleep(1)

    def fetch_keys(self) -> float:
        """Returns for how many seconds the keys are fresh: a new key signs only after it was published for as long."""
        response = send(self.operator.server, "GET", "/.well-known/jwks.json", headers={"Cache-Control": "no-cache"})
        self.keys = import_keys(json.load(response))
        max_age = re.search("max-age=([0-9]+)", response.getheader("Cache-Control", ""))
        return int(max_age[1]) * 0.8 if max_age else 60

    def read_stream(self):
        headers = self.operator.authorization("GET", "/v1/revocations")
        if self.log.position:
            headers["Last-Event-ID"] = self.log.last_event_id()
        self.log.connect()
        keys_fresh_until = 0
        for name, data in read_events(send(self.operator.server, "GET", "/v1/revocations", headers=headers)):
            # The log names a compromised key for an hour only, so each connection begins with new keys.
            if time.time() >= keys_fresh_until:
                keys_fresh_until = time.time() + self.fetch_keys()
            self.log.take(name, data)
            if self.log.is_whole:
                self.ready.set()
