"""Verifies the tokens that come over standard input, one a line: an API of a test, by the Python example."""
import json, sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth4agent.operator import Operator
from auth4agent.verifier import Verifier
from auth4agent.wire import Refused

given = json.loads(sys.argv[1])
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["seed_hex"]))
operator = Operator(given["server"], given["domain"], key, given["issuer"])
watcher = operator.watcher(Ed25519PrivateKey.generate(), "api")
verifier = Verifier(watcher, given["audience"], [given["domain"]], given["max_staleness"])
beginnings, begin_again = [], verifier.log.begin_again
verifier.log.begin_again = lambda: (beginnings.append(1), begin_again())
print(operator.id, verifier.ready.wait(30), flush=True)
for line in sys.stdin:
    try:
        print("VALID", verifier.verify(line.rstrip("\n"))["jti"], flush=True)
    except Refused as refused:
        print(refused, verifier.log.last_event_id(), len(beginnings), flush=True)
