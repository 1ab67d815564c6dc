"""What all parties must agree on to the last bit: texts, keys, names, signatures and calls."""
import base64, hashlib, http.client, json, re, urllib.parse, uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

# Patterns are used with fullmatch: `$` would accept a line feed behind. `\d` would accept digits of all
# scripts.
LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DID = rf"did:agent:(?=[^:]{{1,253}}:)((?:{LABEL}\.)+(?![0-9]){LABEL}):([0-9a-f]{{32}})"
MEMBERS = {"OKP": ["crv", "kty", "x"], "EC": ["crv", "kty", "x", "y"], "RSA": ["e", "kty", "n"]}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_P = 2**255 - 19
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
# Multiples of 8, as X25519 needs them, whose product is 1 modulo the order L: only a point of order L stays as it is.
SCALARS = (2**254 + 8 * 5, 8 * pow(8 * (2**254 + 8 * 5), -1, ED25519_ORDER))
ALGORITHMS = {"EdDSA": "OKP", "Ed25519": "OKP", "ES256": "EC", "RS256": "RSA"}  # and the type of their keys


class Refused(Exception):
    """Its one argument is the reason: a stable code."""


def require(reason: str, holds):
    if not holds:
        raise Refused(reason)


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Accepts one text for one byte string. Python's decoder forgives much, so only encoding again tells."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def compact(value) -> str:
    """The shortest JSON text. Raises ValueError for infinity and NaN, which json.loads accepts."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def strict_json(data: bytes) -> dict:
    """An object that every parser reads alike. Raises ValueError or RecursionError."""
    def unique(pairs):
        if len(dict(pairs)) != len(pairs) or "__proto__" in dict(pairs):
            raise ValueError("a name twice, or __proto__")
        return dict(pairs)

    def number(text):
        value = float(text)
        return int(value) if value.is_integer() else value  # 1.8e9 is a whole number too

    def depth(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    value = json.loads(data.decode(), object_pairs_hook=unique, parse_int=number, parse_float=number)
    compact(value).encode()  # raises for half of a surrogate pair
    if not isinstance(value, dict) or depth(value) > 16:
        raise ValueError("no object, or nested too deep")
    return value


def is_whole(value, least=0, most=2**53 - 1) -> bool:
    return type(value) is int and least <= value <= most  # isinstance would accept True


def is_text(value, pattern) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def raw_public(key) -> bytes:
    return key.public_key().public_bytes_raw()


def thumbprint(jwk: dict) -> str:
    """RFC 7638: the kid of every key."""
    text = compact({name: jwk[name] for name in MEMBERS[jwk["kty"]]})
    return base64url(hashlib.sha256(text.encode()).digest())


def kid_of(public_key: bytes) -> str:
    return thumbprint({"crv": "Ed25519", "kty": "OKP", "x": base64url(public_key)})


def make_did(domain: str, public_key: bytes) -> str:
    return f"did:agent:{domain}:{hashlib.sha256(public_key).hexdigest()[:32]}"


def parse_did(text: str):
    """Domain and fingerprint; None for anything but the one form of a DID."""
    match = re.fullmatch(DID, text)
    return match and match.groups()


def operator_id(issuer: str, domain: str, kid: str) -> str:
    """UUIDv8 of a hash: the first 16 bytes, with version 8 and the variant of RFC 9562."""
    number = int.from_bytes(hashlib.sha256(compact([issuer, domain, kid]).encode()).digest()[:16])
    return str(uuid.UUID(int=number & ~(0xF << 76 | 3 << 62) | 8 << 76 | 2 << 62))


def is_admitted(raw: bytes) -> bool:
    """Whether this is the one form of a point of order L. Verifiers disagree about other Ed25519 keys.
    Raises ValueError for points of small order."""
    y = int.from_bytes(raw, "little") % 2**255
    u = point = ((1 + y) * pow(1 - y, -1, ED25519_P) % ED25519_P).to_bytes(32, "little")  # RFC 7748 section 4.1
    for scalar in SCALARS:
        private_key = x25519.X25519PrivateKey.from_private_bytes(scalar.to_bytes(32, "little"))
        point = private_key.exchange(x25519.X25519PublicKey.from_public_bytes(point))
    return len(raw) == 32 and y < ED25519_P and point == u


def read_key(jwk: dict):
    """A key that counts: for signatures, named by its own thumbprint, with no member too many.
    Raises KeyError, TypeError or ValueError for others."""
    names = MEMBERS[jwk["kty"]]
    is_ours = jwk["use"] == "sig" and jwk["kid"] == thumbprint(jwk) and ALGORITHMS[jwk["alg"]] == jwk["kty"]
    raw = {name: from_base64url(jwk[name]) for name in names if name not in ("crv", "kty")}
    number = {name: int.from_bytes(value) for name, value in raw.items()}
    if is_ours and sorted(jwk) == sorted([*names, "alg", "kid", "use"]):
        n = number.get("n", 0)
        if 2**2047 <= n < 2**4096 and n % 2 and raw["n"][0] and jwk["e"] == "AQAB":
            return rsa.RSAPublicNumbers(65537, n).public_key()
        if jwk["kty"] == "EC" and jwk["crv"] == "P-256" and len(raw["x"]) == len(raw["y"]) == 32:
            return ec.EllipticCurvePublicNumbers(number["x"], number["y"], ec.SECP256R1()).public_key()
        if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519" and is_admitted(raw["x"]):
            return ed25519.Ed25519PublicKey.from_public_bytes(raw["x"])
    raise ValueError("not an acceptable key")


def check_signature(key, signature: bytes, data: bytes):
    """Raises InvalidSignature or ValueError unless the signature holds."""
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    if isinstance(key, rsa.RSAPublicKey):
        return key.verify(signature, data, padding.PKCS1v15(), SHA256())
    # Libraries disagree on an R that is the identity.
    if isinstance(key, ed25519.Ed25519PublicKey) and r != 1 << 248:
        return key.verify(signature, data)
    # The other S would make a second text of one token.
    if isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == 64 and s <= P256_ORDER // 2:
        return key.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
    raise InvalidSignature


def send(server: str, method: str, path: str, body=None, headers=None) -> http.client.HTTPResponse:
    """One request. http.client follows no redirect, so an assertion goes to no other server."""
    url = urllib.parse.urlsplit(server)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.netloc, timeout=15)
    content = None if body is None else compact(body).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    connection.request(method, url.path + path, content, headers)
    response = connection.getresponse()
    if response.status >= 300:
        raise Refused(json.loads(response.read()).get("reason"))  # a problem document (RFC 9457)
    return response


def call(*request):
    return json.loads(send(*request).read())
