"""Goes the whole way at one server, from a new operator to a token and its refusal.

Usage: python3 demo.py <server> <domain> [issuer]

It prints the TXT record that proves the domain, and waits for Enter. `issuer` is the server's own name, where
that is not its address."""
import sys, time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth4agent.agent import Agent
from auth4agent.operator import Operator
from auth4agent.verifier import Verifier
from auth4agent.wire import Refused, call


def main(server, domain, issuer=None):
    api = f"https://api.{domain}"

    operator = Operator(server, domain, Ed25519PrivateKey.generate(), issuer)
    operator.register()
    print(f"Publish at _auth4agents.{domain}: {operator.txt_record()}", flush=True)
    input()
    if not operator.confirm():
        answer = call(server, "POST", f"/v1/operators/verify/{operator.id}")  # again, for its message
        sys.exit(f"not confirmed: {answer['message']}")
    print("confirmed: True")

    agent = Agent(server, domain, Ed25519PrivateKey.generate(), issuer)
    print("registered:", agent.register(operator.id)["status"])
    print("scopes:", operator.set_scopes(agent.did, ["orders:read", "orders:write"])["allowed_scopes"])
    token = agent.token(["orders:read"], [api])

    watcher = operator.watcher(Ed25519PrivateKey.generate(), "demo API")  # an API never has the root key
    verifier = Verifier(watcher, [api], [domain])
    verifier.ready.wait(10)
    print("verified:", verifier.verify(token, "orders:read")["scope"])

    operator.suspend(agent.did, "end of the demo")
    for _ in range(50):  # the log tells it within moments
        try:
            verifier.verify(token)
            time.sleep(0.1)
        except Refused as refused:
            print("refused:", refused)
            break


if len(sys.argv) not in (3, 4):
    sys.exit(__doc__)
try:
    main(*sys.argv[1:])
except Refused as refused:
    sys.exit(f"A call or check was refused: {refused}")
except OSError as error:
    sys.exit(f"{sys.argv[1]} does not answer: {error}")
