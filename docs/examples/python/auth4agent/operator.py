"""An operator: proves a domain and governs its agents."""
import secrets, time

from .wire import base64_text, base64url, call, compact, kid_of, operator_id, raw_public, require


def assertion(key, party: str, issuer: str, rpc: str, now=None, jti=None) -> str:
    """A JWT for one call. The server takes each jti once. `rpc` is the method and the path, as sent."""
    now = int(now or time.time())
    # iat lies back, because this clock may run ahead of the server's.
    header = {"alg": "EdDSA", "typ": "auth4agent-operator+jwt", "kid": kid_of(raw_public(key))}
    claims = {
        "iss": party, "sub": party, "aud": issuer, "iat": now - 30, "exp": now + 60,
        "jti": jti or secrets.token_urlsafe(16), "rpc": rpc}
    text = ".".join(base64url(compact(part).encode()) for part in (header, claims))
    return f"{text}.{base64url(key.sign(text.encode()))}"


class Operator:
    def __init__(self, server: str, domain: str, key, issuer=None):
        self.server, self.domain, self.key, self.issuer = server, domain, key, issuer or server
        self.id = operator_id(self.issuer, domain, kid_of(raw_public(key)))

    def register(self):
        body = {"domain": self.domain, "root_public_key": base64_text(raw_public(self.key))}
        registered = call(self.server, "POST", "/v1/operators", body)["id"]
        require("the server registered another operator", registered == self.id)

    def txt_record(self) -> str:
        """The text to publish at _auth4agents.<domain>. Not the server's word: it binds key and issuer."""
        return f"v=a4a1; iss={self.issuer}; op={self.id}; rk={kid_of(raw_public(self.key))}"

    def confirm(self) -> bool:
        return call(self.server, "POST", f"/v1/operators/verify/{self.id}")["verified"]

    def authorization(self, method: str, path: str) -> dict:
        return {"Authorization": "Bearer " + assertion(self.key, self.id, self.issuer, f"{method} {path}")}

    def change(self, method: str, path: str, body: dict):
        path = f"/v1/operators/{self.id}{path}"
        return call(self.server, method, path, body, self.authorization(method, path))

    def set_scopes(self, did: str, scopes: list):
        """Approves a pending agent too. Fewer scopes than before end the agent's tokens."""
        return self.change("PATCH", "/agents/scopes", {"did": did, "allowed_scopes": scopes})

    def suspend(self, did: str, reason=""):
        return self.change("POST", f"/agents/{did}/suspend", {"reason": reason})
