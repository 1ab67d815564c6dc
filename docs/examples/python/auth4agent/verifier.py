"""A service: verifies tokens offline, and follows the revocation log meanwhile."""
import http.client, json, re, threading, time
from contextlib import suppress

from .log import Log, now_monotonic, read_events
from .wire import (ALGORITHMS, DID, InvalidSignature, Refused, check_signature, from_base64url, is_text,
                   is_whole, parse_did, read_key, require, send, strict_json)

SCOPE = r"[\x21\x23-\x29\x2b-\x5b\x5d-\x7e]{1,128}"  # RFC 6749 without `*`, which may come to mean something
UUID = "-".join("[0-9a-f]{%d}" % length for length in (8, 4, 4, 4, 12))
TEXTS = {"iss": "(?s:.{0,2048})", "sub": DID, "operator_id": UUID, "jti": "[!-~]{1,64}",
         "scope": f"({SCOPE}( {SCOPE})*)?"}
DANGEROUS = {"crit", "b64", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "trust_chain"}
THUMBPRINT = r"(?a:[\w-]{42}[AEIMQUYcgkosw048])"
HOME = ("iss", "jti", "kids", "generation", "epoch", "edge")
LEVELS = ("bearer", "bound", "hardware")  # of attestation, weakest first
NAME = r"(?a:[\w-]{1,64})"
OBJECTS = {"cnf": ("jkt", THUMBPRINT), "may_act": ("sub", DID)}  # each may be missing


def import_keys(jwks: dict) -> dict:
    entries, keys = jwks.get("keys") if isinstance(jwks, dict) else None, {}
    if not isinstance(entries, list) or len(entries) > 64:
        raise ValueError("not a JWKS")
    for entry in entries:
        with suppress(KeyError, TypeError, ValueError):
            keys.setdefault(entry["kid"], (entry["alg"], read_key(entry)))
    return keys


def check_claims(c: dict) -> bool:
    """Every claim is there, has its type, and fits the others. Unknown claims are ignored."""
    aud, epoch, times = c.get("aud"), c.get("epoch"), [c.get(name) for name in ("iat", "nbf", "exp")]
    return (c.get("client_id") == c.get("sub") and ("may_act" not in c or "cnf" in c and "home" not in c)
            and all(is_text(c.get(name), pattern) for name, pattern in TEXTS.items())
            and len(set(c["scope"].split(" "))) <= 64
            and all(isinstance(c[name], dict) and [*c[name]] == [member] and is_text(c[name][member], pattern)
                    for name, (member, pattern) in OBJECTS.items() if name in c)
            and isinstance(aud, list) and 1 <= len(aud) <= 8 and all(is_text(one, ".{1,2048}") for one in aud)
            and all(is_whole(t, 1, 253402300799) for t in times) and times[0] <= times[1] < times[2] <= times[0] + 3600
            and is_pair(epoch) and all(CHECKS[name](c[name]) for name in CHECKS if name in c)
            and ("attestation" not in c or check_attestation(c["attestation"], times[0])))


def is_pair(epoch) -> bool:
    return isinstance(epoch, list) and len(epoch) == 2 and all(is_whole(n, 1, 2**31 - 1) for n in epoch)


def check_edges(edges) -> bool:
    return (isinstance(edges, list) and 1 <= len(edges) <= 48 and all(is_text(edge, UUID) for edge in edges)
            and len({*edges}) == len(edges))


def check_home(home) -> bool:
    """The token of another issuer. A further member could restrict the token."""
    return (isinstance(home, dict) and home.keys() == set(HOME) and home["iss"] != ""
            and all(is_text(home[name], TEXTS[name]) for name in ("iss", "jti")) and is_text(home["edge"], UUID)
            and isinstance(home["kids"], list) and 1 <= len(home["kids"]) <= 2 and len({*home["kids"]}) == len(home["kids"])
            and all(is_text(kid, THUMBPRINT) for kid in home["kids"])
            and is_pair([home["generation"], 1]) and is_pair(home["epoch"]))


def check_attestation(results, iat) -> bool:
    """1 to 8 results, none of them after the token was issued. A further member could restrict a result."""
    return (isinstance(results, list) and 1 <= len(results) <= 8 and all(
        isinstance(one, dict) and one.keys() == {"attestor", "type", "level", "at"} and one["level"] in LEVELS
        and is_text(one["attestor"], NAME) and is_text(one["type"], NAME) and is_whole(one["at"], 1, iat)
        for one in results))


def meets(results, demand, now) -> bool:
    """Whether one result meets the whole demand: `types`, `attestors`, `level` and `max_age`, each may be missing."""
    return any(one["type"] in demand.get("types", [one["type"]])
               and one["attestor"] in demand.get("attestors", [one["attestor"]])
               and LEVELS.index(one["level"]) >= LEVELS.index(demand.get("level", "bearer"))
               and now - one["at"] <= demand.get("max_age", now) for one in results)


CHECKS = {"edges": check_edges, "home": check_home}  # each may be missing


def read_token(token: str, keys: dict, ended) -> tuple:
    """The kid and the claims of a genuine token. Raises Refused."""
    try:
        first, second, third = token.split(".")
        header = strict_json(from_base64url(first))
        kid, alg = header.get("kid"), header.get("alg")
        # Such a header would choose the key or change the meaning.
        require("MALFORMED_TOKEN", len(token) <= 16384 and second and third and not DANGEROUS & header.keys())
        require("UNSUPPORTED_ALGORITHM", is_text(alg, "|".join(ALGORITHMS)))
        claims, signature = strict_json(from_base64url(second)), from_base64url(third)
    except (ValueError, RecursionError):
        raise Refused("MALFORMED_TOKEN") from None
    require("MALFORMED_TOKEN", header.get("typ") == "at+jwt" and is_text(kid, "[!-~]{1,128}"))
    # Another agent sends such a token: its subject is not the caller.
    require("DELEGATION_NOT_ACCEPTED", not {"act", "a4a_lineage"} & claims.keys())
    require("MALFORMED_TOKEN", check_claims(claims))
    require("UNKNOWN_KEY", kid in keys and ("key", "", kid) not in ended)
    require("UNSUPPORTED_ALGORITHM", keys[kid][0] == alg)  # never the algorithm that the token chooses
    try:
        check_signature(keys[kid][1], signature, f"{first}.{second}".encode())
    except (InvalidSignature, ValueError):
        raise Refused("SIGNATURE_INVALID") from None
    return kid, claims


def check(token, keys, ended, *, issuer, audience, operators, now, scope="", attestation=None,
          skew=10) -> dict:
    """The claims of a valid token. Raises Refused with the first verdict in the server's order."""
    if attestation is not None and operators == "any":
        raise ValueError("attestation needs a list of operators, because each operator chooses its trust roots")
    kid, claims = read_token(token, keys, ended)
    trusted = {claims["operator_id"], parse_did(claims["sub"])[0]}
    require("WRONG_ISSUER", claims["iss"] == issuer)
    require("TOKEN_EXPIRED", now < claims["exp"] + skew)
    require("TOKEN_NOT_YET_VALID", now >= claims["nbf"] - skew)
    require("AUDIENCE_MISMATCH", set(audience) & set(claims["aud"]))
    require("OPERATOR_NOT_TRUSTED", operators == "any" or trusted & set(operators))
    require("SCOPE_MISSING", set(scope.split()) <= set(claims["scope"].split(" ")))
    require("ATTESTATION_REQUIRED", attestation is None or meets(claims.get("attestation", ()), attestation, now))
    require("PROOF_REQUIRED", "cnf" not in claims)  # the token is bound to a key, and no DPoP proof is checked here
    trust = claims.get("edges", ()), claims.get("home")
    verdict = ended.verdict(kid, claims["jti"], claims["operator_id"], claims["sub"], claims["epoch"], *trust)
    require(verdict, verdict is None)
    return claims


class Verifier:
    """`operator` authenticates for the log, with a key that may only watch. `operators` are the trusted ids and
    domains, or "any"."""

    def __init__(self, operator, audience: list, operators, max_staleness=5):
        self.operator, self.max_staleness = operator, max_staleness
        self.settings = {"issuer": operator.issuer, "audience": audience, "operators": operators}
        self.log, self.keys, self.ready = Log(), {}, threading.Event()
        threading.Thread(target=self.follow, daemon=True).start()

    def verify(self, token: str, scope="") -> dict:
        claims = check(token, self.keys, self.log.ended, now=time.time(), scope=scope, **self.settings)
        # It may have been revoked: not knowing is never "valid".
        require("REVOCATIONS_STALE", now_monotonic() - self.log.known_at <= self.max_staleness)
        return claims

    def follow(self):
        while True:
            try:
                self.read_stream()
            except Refused:  # a revocation may be missing, or the server refused to resume from here
                self.log.begin_again()
            except (OSError, ValueError, http.client.HTTPException):
                pass  # the next connection resumes; verify() refuses when the log is too old
            time.sleep(1)

    def fetch_keys(self) -> float:
        """Returns how many seconds the keys are fresh. A new key is published that long before it signs."""
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
