"""Gets, introspects and revokes a token with Authlib. The argument and the output are JSON objects."""

import json
import sys
import time

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT


def authenticate(session, audience, lifetime):
    """Registers how the session authenticates. One PrivateKeyJWT with claims reuses its jti."""
    claims = None if lifetime is None else {"exp": int(time.time()) + lifetime}
    session.register_client_auth_method(PrivateKeyJWT(audience, claims=claims, alg="EdDSA"))


def main(order):
    server = order["server"]
    session = OAuth2Session(
        order["did"],
        order["jwk"],
        token_endpoint_auth_method="private_key_jwt",
        revocation_endpoint_auth_method="private_key_jwt",
        scope=order["scope"],
    )
    reauthenticate = lambda: authenticate(session, order["audience"], order["lifetime"])  # noqa: E731
    reauthenticate()
    token = session.fetch_token(
        server + "/oauth/token", grant_type="client_credentials", resource=order["resource"]
    )
    answer = {"token": token, "introspections": []}
    for _ in range(2):
        reauthenticate()
        told = session.introspect_token(server + "/oauth/introspect", token=token["access_token"])
        answer["introspections"].append(told.json())
        reauthenticate()
        answer["revoked"] = session.revoke_token(
            server + "/oauth/revoke", token=token["access_token"]
        ).status_code
    return answer


try:
    print(json.dumps(main(json.loads(sys.argv[1]))))
except AuthlibBaseError as error:
    print(json.dumps({"error": error.error, "description": error.description}))
