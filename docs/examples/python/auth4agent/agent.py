"""An agent: signs challenges with its own key and gets tokens."""
import time

from .wire import (Refused, base64_text, call, compact, from_base64url, is_whole, make_did, raw_public,
                   require, strict_json)


def message_to_sign(challenge: str, nonce: str, now: int, issuer: str, terms: dict) -> bytes:
    """The bytes to sign, if the challenge is for exactly what was asked for. A rogue server could pass on the
    challenge of another server. The last 32 bytes are a MAC, which only the server can check."""
    try:
        content, nonce_bytes = strict_json(from_base64url(challenge)[:-32]), from_base64url(nonce)
    except (ValueError, RecursionError):
        raise Refused("CHALLENGE_REFUSED") from None
    wanted = {"v": 1, "iss": issuer, "aud": terms.get("audience")}
    wanted |= {name: terms.get(name) for name in ("did", "scope", "ttl")}
    # Compared as JSON, because Python takes True for 1.
    is_wanted = compact({name: content.get(name) for name in wanted}) == compact(wanted)
    is_fresh = is_whole(content.get("exp"), now + 1) and len(nonce_bytes) == 16
    require("CHALLENGE_REFUSED", is_wanted and is_fresh)
    return f"auth4agents-challenge:{challenge}:{nonce}".encode()


class Agent:
    def __init__(self, server: str, domain: str, key, issuer=None):
        self.server, self.key, self.issuer = server, key, issuer or server
        self.did = make_did(domain, raw_public(key))

    def register(self, operator_id: str):
        """Without the operator's assertion the agent stays pending until the operator sets its scopes."""
        body = {"did": self.did, "agent_public_key": base64_text(raw_public(self.key))}
        return call(self.server, "POST", f"/v1/operators/{operator_id}/agents", body)

    def token(self, scopes: list, audience=None, ttl=900) -> str:
        # The challenge is bound to these terms in this one form: sorted, without duplicates.
        audience = sorted(set(audience or [self.issuer]))
        terms = {"did": self.did, "scope": " ".join(sorted(set(scopes))), "audience": audience, "ttl": ttl}
        asked = call(self.server, "POST", "/v1/challenge", terms)
        answer = {name: asked[name] for name in ("challenge", "nonce")}
        message = message_to_sign(**answer, now=int(time.time()), issuer=self.issuer, terms=terms)
        body = {**terms, **answer, "signature": base64_text(self.key.sign(message))}
        return call(self.server, "POST", "/v1/token", body)["token"]
