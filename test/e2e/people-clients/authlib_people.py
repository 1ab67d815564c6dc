"""Lets a person allow this program with Authlib. The argument and each line in and out are JSON objects.

Writes the URL for the browser, reads the URL that the browser brings, and writes what it got.
"""

import json
import os
import sys

# The server of the test has no TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.common.errors import AuthlibBaseError  # noqa: E402
from authlib.common.security import generate_token  # noqa: E402
from authlib.integrations.requests_client import OAuth2Session  # noqa: E402


def main(order):
    server = order["server"]
    session = OAuth2Session(
        order["client_id"],
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
        redirect_uri=order["redirect_uri"],
        scope=order["scope"],
        code_challenge_method="S256",
    )
    verifier = generate_token(48)
    url, state = session.create_authorization_url(
        server + "/oauth/authorize", code_verifier=verifier, resource=order["resource"]
    )
    print(json.dumps({"url": url}), flush=True)
    answer = json.loads(sys.stdin.readline())["url"]
    endpoint = server + "/oauth/token"
    first = session.fetch_token(
        endpoint, authorization_response=answer, state=state, code_verifier=verifier, resource=order["resource"]
    )
    second = session.refresh_token(endpoint, refresh_token=first["refresh_token"], resource=order["resource"])
    print(json.dumps({"first": first, "second": second}), flush=True)
    sys.stdin.readline()
    revoked = session.revoke_token(server + "/oauth/revoke", token=second["refresh_token"]).status_code
    try:
        session.refresh_token(endpoint, refresh_token=second["refresh_token"])
    except AuthlibBaseError as error:
        return {"revoked": revoked, "error": error.error}
    return {"revoked": revoked}


print(json.dumps(main(json.loads(sys.argv[1]))), flush=True)
