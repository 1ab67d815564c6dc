"""Checks this client against the protocol's test vectors: python3 check_vectors.py <folder>"""
import base64, io, json, pathlib, sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth4agent import agent, log, operator, verifier, wire

folder, failures, count = pathlib.Path(sys.argv[1]), [], 0


def vectors(name):
    return json.loads((folder / f"{name}.json").read_text())


def expect(name, expected, work):
    """Compares what `work` returns, or the reason with which it refuses."""
    global count
    try:
        result = work()
    except wire.Refused as refused:
        result = refused.args[0]
    count += 1
    if result != expected:
        failures.append(f"{name}: expected {expected!r}, got {result!r}")


def unfold(pieces):
    """A list with each `repeat` written as often as `times` says."""
    return [each for piece in pieces for each in ([piece["repeat"]] * piece["times"]
            if isinstance(piece, dict) and "repeat" in piece else [piece])]


def private_key(public_key):
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(keys[public_key]["secret_seed_hex"]))


keys = {entry["expect"]["public_key"]: entry for entry in vectors("keys")["keys"]}
for case in keys.values():
    public_key = wire.raw_public(private_key(case["expect"]["public_key"]))
    expect(case["name"], case["expect"]["thumbprint"], lambda: wire.kid_of(public_key))

def is_admitted(raw):
    try:
        return wire.is_admitted(raw)
    except ValueError:
        return False


for case in vectors("keys")["points"]:
    raw = bytes.fromhex(case["public_key_hex"])
    expect(case["name"], case["expect"] == "accepted", lambda: is_admitted(raw))


def keys_of(jwks):
    """The keys that count, in the form of keys.json."""
    if isinstance(jwks, dict) and isinstance(jwks.get("keys"), list):
        jwks = {**jwks, "keys": unfold(jwks["keys"])}
    try:
        return {"keys": [{"kid": kid, "alg": key[0]} for kid, key in verifier.import_keys(jwks).items()]}
    except ValueError:
        return {"refused": "not a JWKS"}


for case in vectors("keys")["jwks_documents"]:
    expect(case["name"], case["expect"], lambda: keys_of(case["jwks"]))

for case in vectors("dids")["derivations"]:
    public_key = base64.b64decode(case["public_key"])
    expect(case["name"], case["expect"]["did"], lambda: wire.make_did(case["domain"], public_key))
for case in vectors("dids")["dids"]:
    wanted = case["expect"]
    expected = None if "refused" in wanted else (wanted["domain"], wanted["fingerprint"])
    expect(case["name"], expected, lambda: wire.parse_did(case["did"]))
for case in vectors("operators")["operators"]:
    parts = case["issuer"], case["domain"], case["thumbprint"]
    expect(case["name"], case["expect"]["operator_id"], lambda: wire.operator_id(*parts))

file = vectors("challenges")
for case in file["signing"]:
    message = lambda: agent.message_to_sign(case["challenge"], case["nonce"], file["now"], file["issuer"],
                                            {"did": file["did"], **case["wanted"]})
    signature = lambda: base64.b64encode(private_key(file["public_key"]).sign(message())).decode()
    expect(case["name"], case["expect"].get("signature", "CHALLENGE_REFUSED"), signature)

file = vectors("assertions")
claims = file["good"]["claims"]
key, case = private_key(file["operators"][0]["public_key"]), file["cases"][0]
expect(case["name"], case["authorization"], lambda: "Bearer " + operator.assertion(
    key, claims["iss"], file["issuer"], claims["rpc"], file["now"], claims["jti"]))

file = vectors("tokens")
issuer_keys = verifier.import_keys(file["jwks"])
for case in file["cases"]:
    given = {**file["verifier"], **case.get("verifier", {})}
    ended = log.Ended()
    for revocation in given.pop("revocations"):
        ended.apply(*revocation.values())
    given["skew"] = given.pop("clock_skew")
    token = "".join(unfold(case.get("token_pieces", [case.get("token", file["cases"][0]["token"])])))
    verdict = lambda: verifier.check(token, issuer_keys, ended, **given) and "VALID"
    expect(case["name"], case["expect"], verdict)

file = vectors("log")
for case in file["records"]:
    expect(case["name"], case["expect"]["hash_hex"], lambda: log.record_hash(
        bytes.fromhex(case["previous_hash_hex"]), case["expect"]["fields"].split("\n")).hex())
for case in file["effects"]:
    ended = log.Ended()
    for record in file["records"]:
        if record["sequence"] in case["records"]:
            ended.apply(record["kind"], record["operator_id"], record["subject"], record["minimum_epoch"])
    facts = case["token"]
    expect(case["name"], case["expect"], lambda: ended.verdict(
        facts["kid"], facts["jti"], facts["operator_id"], facts["sub"], facts["epoch"],
        facts.get("edges", ()), facts.get("home")) or "VALID")


def read(connections):
    """What the log knows after some streams, in the form of log.json."""
    known = log.Log()
    for names in connections:
        known.connect(1_800_000_000)
        begin_again = False
        text = "".join(file["events"][name] for name in names)
        try:
            for event in log.read_events(io.BytesIO(text.encode())):
                known.take(*event)
        except ConnectionError:
            pass
        except wire.Refused:
            begin_again = True
            known.begin_again()
    position = known.position and dict(zip(
        ("log_epoch", "sequence", "hash_hex"), (*known.position[:2], known.position[2].hex())))
    return {"begin_again": begin_again, "position": position, "last_event_id": known.last_event_id(),
            "is_whole": known.is_whole}


def measure(connected_at_ms, heads):
    """Since when the log is known, after each head."""
    known, moments = log.Log(), []
    log.now_monotonic = lambda: connected_at_ms / 1000
    known.connect(connected_at_ms / 1000)
    for head in heads:
        log.now_monotonic = lambda: head["received_at_ms"] / 1000
        try:
            known.confirm(head["observed_at_ms"])
            moments.append(round(known.known_at * 1000))
        except ConnectionError:
            moments.append("refused")
    return moments


for case in file["ages"]:
    expect(case["name"], case["expect"], lambda: measure(case["connected_at_ms"], case["heads"]))
for case in file["streams"]:
    expect(case["name"], case["expect"], lambda: read(case["connections"]))

print(*failures, f"{count} vectors checked, {len(failures)} failed", sep="\n")
sys.exit(1 if failures else 0)
