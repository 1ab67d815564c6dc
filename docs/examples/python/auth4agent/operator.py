"""An operator: proves a domain and governs its agents."""
import copy, hashlib, secrets, time

from .wire import base64_text, base64url, call, compact, kid_of, operator_id, raw_public, require


def signed(key, typ: str, claims: dict) -> str:
    header = {"alg": "EdDSA", "typ": typ, "kid": kid_of(raw_public(key))}
    text = ".".join(base64url(compact(part).encode()) for part in (header, claims))
    return f"{text}.{base64url(key.sign(text.encode()))}"


def assertion(key, party: str, issuer: str, rpc: str, now=None, jti=None, body=None) -> str:
    """A JWT for one call. The server takes each jti once. `rpc` is the method and the path, as sent. With `body`,
    the assertion allows no other body."""
    now = int(now or time.time())
    # iat lies back, because this clock may run ahead of the server's.
    claims = {
        "iss": party, "sub": party, "aud": issuer, "iat": now - 30, "exp": now + 60,
        "jti": jti or secrets.token_urlsafe(16), "rpc": rpc}
    if body is not None:
        claims["body"] = base64url(hashlib.sha256(compact(body).encode()).digest())
    return signed(key, "auth4agent-operator+jwt", claims)


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

    def authorization(self, method: str, path: str, body=None) -> dict:
        text = assertion(self.key, self.id, self.issuer, f"{method} {path}", body=body)
        return {"Authorization": "Bearer " + text}

    def change(self, method: str, path: str, body: dict):
        path = f"/v1/operators/{self.id}{path}"
        return call(self.server, method, path, body, self.authorization(method, path, body))

    def watcher(self, key, label: str, days=90) -> "Operator":
        """Adds a key that may only follow revocations, and returns the operator with this key. A verifier needs no
        other, and never the root key. This is for the first manifest: a later one also lists the keys before it."""
        now, jwk_of = int(time.time()), lambda key: {"crv": "Ed25519", "kty": "OKP", "x": base64url(raw_public(key))}
        watch = {"kid": kid_of(raw_public(key)), "jwk": jwk_of(key), "label": label, "roles": ["watch"],
                 "nbf": now - 30, "exp": now + days * 86400}
        root = {"threshold": 1, "keys": [{"jwk": jwk_of(self.key), "label": "root"}]}
        claims = {
            "iss": self.id, "sub": self.id, "aud": self.issuer, "seq": 1, "iat": now, "root": root, "keys": [watch]}
        self.change("PUT", "/keys", {"manifest": signed(self.key, "auth4agent-operator-keys+jwt", claims)})
        other = copy.copy(self)
        other.key = key
        return other

    def set_scopes(self, did: str, scopes: list):
        """Approves a pending agent too. Fewer scopes than before end the agent's tokens."""
        return self.change("PATCH", "/agents/scopes", {"did": did, "allowed_scopes": scopes})

    def suspend(self, did: str, reason=""):
        return self.change("POST", f"/agents/{did}/suspend", {"reason": reason})
