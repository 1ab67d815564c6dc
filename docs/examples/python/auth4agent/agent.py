"""An agent: signs challenges with its own key and gets tokens."""
import base64, time

from .wire import Refused, call, compact, from_base64url, is_whole, make_did, raw_public, strict_json


def message_to_sign(challenge: str, nonce: str, *, issuer, did, now, scope=None, audience=None, ttl=None) -> bytes:
    """The bytes to sign, if the challenge is for exactly what was asked for. A rogue server could pass on the
    challenge of another server. The last 32 bytes are a MAC, which only the server can check."""
    try:
        content, nonce_bytes = strict_json(from_base64url(challenge)[:-32]), from_base64url(nonce)
    except ValueError:
        raise Refused("CHALLENGE_REFUSED") from None
    wanted = {"v": 1, "iss": issuer, "did": did, "scope": scope, "aud": audience, "ttl": ttl}
    # Compared as JSON, because Python takes True for 1.
    is_wanted = all(compact(content.get(name)) == compact(value) for name, value in wanted.items())
    if not is_wanted or not is_whole(content.get("exp"), now + 1) or len(nonce_bytes) != 16:
        raise Refused("CHALLENGE_REFUSED")
    return f"auth4agents-challenge:{challenge}:{nonce}".encode()


class Agent:
    def __init__(self, server: str, domain: str, key, issuer=None):
        self.server, self.key, self.issuer = server, key, issuer or server
        self.did = make_did(domain, raw_public(key))

    def register(self, operator_id: str):
        """Without the operator's assertion the agent stays pending until the operator sets its scopes."""
        body = {"did": self.did, "agent_public_key": base64.b64encode(raw_public(self.key)).decode()}
        return call(self.server, "POST", f"/v1/operators/{operator_id}/agents", body)

    def token(self, scopes: list, audience=None, ttl=900) -> str:
        # The challenge is bound to these terms in this one form: sorted, without duplicates.
        audience = sorted(set(audience or [self.issuer]))
        terms = {"scope": " ".join(sorted(set(scopes))), "audience": audience, "ttl": ttl}
        asked = call(self.server, "POST", "/v1/challenge", {"did": self.did, **terms})
        challenge, nonce = asked["challenge"], asked["nonce"]
        message = message_to_sign(challenge, nonce, issuer=self.issuer, did=self.did, now=int(time.time()), **terms)
        signature = base64.b64encode(self.key.sign(message)).decode()
        body = {"did": self.did, **terms, "challenge": challenge, "nonce": nonce, "signature": signature}
        return call(self.server, "POST", "/v1/token", body)["token"]
