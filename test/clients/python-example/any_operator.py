"""Prints why the Python example refuses to demand a result of attestation of any operator."""
from auth4agent.log import Ended
from auth4agent.verifier import check

try:
    check("", {}, Ended(), issuer="", audience=[], operators="any", now=0, attestation={})
except ValueError as error:
    print(error)
