"""What all parties must agree on to the last bit: texts, keys, names, signatures and calls."""
import base64, hashlib, http.client, json, math, re, urllib.parse, uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

# Patterns are used with fullmatch: `$` would accept a line feed behind. `\d` would accept the digits of all scripts.
LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DID = rf"did:agent:((?:{LABEL}\.)+(?![0-9]){LABEL}):([0-9a-f]{{32}})"
MEMBERS = {"OKP": ["crv", "kty", "x"], "EC": ["crv", "kty", "x", "y"], "RSA": ["e", "kty", "n"]}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_P = 2**255 - 19
ED25519_D = -121665 * pow(121666, -1, ED25519_P) % ED25519_P
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


class Refused(Exception):
    """Its one argument is the reason: a stable code."""


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Accepts one text for one byte string. Python's decoder forgives much, so only encoding again tells."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def strict_json(data: bytes) -> dict:
    """An object that every parser reads alike. Raises ValueError."""
    def unique(pairs):
        if len(dict(pairs)) != len(pairs) or "__proto__" in dict(pairs):
            raise ValueError("a name twice, or __proto__")
        return dict(pairs)

    def number(text):
        value = float(text)
        if not math.isfinite(value):
            raise ValueError("a number beyond a double")
        return int(value) if value.is_integer() else value  # 1.8e9 is a whole number too

    def depth(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    try:
        value = json.loads(data.decode(), object_pairs_hook=unique, parse_int=number, parse_float=number,
                           parse_constant=number)
        compact(value).encode()  # raises for half of a surrogate pair
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict) or depth(value) > 16:
        raise ValueError("no object, or nested too deep")
    return value


def is_whole(value, least=0, most=2**53 - 1) -> bool:
    return type(value) is int and least <= value <= most  # isinstance would accept True


def is_text(value, most, pattern="(?s:.*)") -> bool:
    return isinstance(value, str) and len(value) <= most and re.fullmatch(pattern, value) is not None


def raw_public(key) -> bytes:
    return key.public_key().public_bytes_raw()


def thumbprint(jwk: dict) -> str:
    """RFC 7638: the kid of every key."""
    return base64url(hashlib.sha256(compact({name: jwk[name] for name in MEMBERS[jwk["kty"]]}).encode()).digest())


def kid_of(public_key: bytes) -> str:
    return thumbprint({"crv": "Ed25519", "kty": "OKP", "x": base64url(public_key)})


def make_did(domain: str, public_key: bytes) -> str:
    return f"did:agent:{domain}:{hashlib.sha256(public_key).hexdigest()[:32]}"


def parse_did(text: str):
    """Domain and fingerprint; None for anything but the one form of a DID."""
    match = re.fullmatch(DID, text) if len(text) <= 296 else None
    return match and match.groups()


def operator_id(issuer: str, domain: str, kid: str) -> str:
    """UUIDv8 of a hash: the first 16 bytes, with version 8 and the variant of RFC 9562."""
    number = int.from_bytes(hashlib.sha256(compact([issuer, domain, kid]).encode()).digest()[:16])
    return str(uuid.UUID(int=number & ~(0xF << 76 | 3 << 62) | 8 << 76 | 2 << 62))


def sign_jws(key, typ: str, claims: dict) -> str:
    header = {"alg": "EdDSA", "typ": typ, "kid": kid_of(raw_public(key))}
    text = ".".join(base64url(compact(part).encode()) for part in (header, claims))
    return f"{text}.{base64url(key.sign(text.encode()))}"


def ed25519_sum(p, q):
    """The sum of two points of the curve (RFC 8032 section 5.1.4)."""
    (x1, y1), (x2, y2) = p, q
    t = ED25519_D * x1 * x2 * y1 * y2
    return tuple(a * pow(b, -1, ED25519_P) % ED25519_P for a, b in (
        (x1 * y2 + x2 * y1, 1 + t), (y1 * y2 + x1 * x2, 1 - t)))


def is_admitted(raw: bytes) -> bool:
    """Whether this is the one form of a point whose order is the prime L. Verifiers disagree about other keys."""
    sign, y = divmod(int.from_bytes(raw, "little"), 2**255)
    square = (y * y - 1) * pow(ED25519_D * y * y + 1, -1, ED25519_P) % ED25519_P
    x = pow(square, (ED25519_P + 3) // 8, ED25519_P)
    if x * x % ED25519_P != square:
        x = x * pow(2, (ED25519_P - 1) // 4, ED25519_P) % ED25519_P
    if len(raw) != 32 or y >= ED25519_P or x * x % ED25519_P != square or square == 0:
        return False
    double, multiple = (x if x % 2 == sign else ED25519_P - x, y), (0, 1)
    for bit in reversed(bin(ED25519_ORDER)[2:]):
        multiple = ed25519_sum(multiple, double) if bit == "1" else multiple
        double = ed25519_sum(double, double)
    return multiple == (0, 1)


def ed25519_verifier(jwk):
    raw = from_base64url(jwk["x"])
    if jwk["crv"] != "Ed25519" or not is_admitted(raw):
        raise ValueError("not an acceptable Ed25519 key")
    key = ed25519.Ed25519PublicKey.from_public_bytes(raw)

    def verify(signature, data):
        if signature[:32] == bytes([1] + [0] * 31):  # libraries disagree on an R that is the identity
            raise InvalidSignature
        key.verify(signature, data)
    return verify


def p256_verifier(jwk):
    raw = [from_base64url(jwk[name]) for name in "xy"]
    if jwk["crv"] != "P-256" or list(map(len, raw)) != [32, 32]:
        raise ValueError("not an acceptable P-256 key")
    key = ec.EllipticCurvePublicNumbers(*map(int.from_bytes, raw), ec.SECP256R1()).public_key()

    def verify(signature, data):
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        if len(signature) != 64 or s > P256_ORDER // 2:  # the other S would make a second text of one token
            raise InvalidSignature
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
    return verify


def rsa_verifier(jwk):
    raw = from_base64url(jwk["n"])
    n = int.from_bytes(raw)
    if not 2048 <= n.bit_length() <= 4096 or n % 2 == 0 or raw[0] == 0 or jwk["e"] != "AQAB":
        raise ValueError("not an acceptable RSA key")
    key = rsa.RSAPublicNumbers(65537, n).public_key()
    return lambda signature, data: key.verify(signature, data, padding.PKCS1v15(), SHA256())


# Each makes, from a JWK, a function that raises InvalidSignature or ValueError unless the signature holds.
ALGORITHMS = {"EdDSA": ed25519_verifier, "Ed25519": ed25519_verifier, "ES256": p256_verifier, "RS256": rsa_verifier}


def send(server: str, method: str, path: str, body=None, headers=None) -> http.client.HTTPResponse:
    """One request. http.client follows no redirect, so an assertion goes to no other server."""
    url = urllib.parse.urlsplit(server)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.netloc, timeout=15)
    content = None if body is None else compact(body).encode()
    connection.request(method, url.path + path, content, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    if response.status >= 300:
        raise Refused(json.loads(response.read()).get("reason"))  # a problem document (RFC 9457)
    return response


def call(*request):
    return json.loads(send(*request).read())
