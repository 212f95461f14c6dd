"""Works out the cases of digest.json that no standard prints, by hashlib: prints them. From RFC 7616 sections 3.4.1 to 3.4.3 and
from nothing else; made for this project."""

import hashlib
import json

NAMES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
FIRST = "7ypf/xlj9XXwfDPEoM4URrv"


def answer(case):
    def h(*parts):
        joined = b":".join(part if isinstance(part, bytes) else part.encode() for part in parts)
        return hashlib.new(NAMES[case["algorithm"].removesuffix("-sess")], joined).hexdigest()

    first = h(case["username"], case["realm"], case["password"])
    if case["algorithm"].endswith("-sess"):
        # A1 is made once, with the nonce of the challenge; `nextnonce` does not change it.
        first = h(first, case.get("first_nonce", case["nonce"]), case["cnonce"])
    second = [case["method"], case["uri"]]
    if case["qop"] == "auth-int":
        second.append(h(case["body"]))
    return h(first, case["nonce"], case["nc"], case["cnonce"], case["qop"], h(*second))


def case(algorithm, qop, count, **more):
    case = {
        "ref": "made with digest.py",
        "algorithm": algorithm,
        "username": "Mufasa",
        "password": "Circle of Life",
        "realm": "http-auth@example.org",
        "method": "POST",
        "uri": "/dir/index.html?a=b",
        "qop": qop,
        "nonce": FIRST,
        "nc": f"{count:08x}",
        "cnonce": "0a4f113b",
        "body": '{"a":"é"}',
        **more,
    }
    return {**case, "response": answer(case)}


cases = [case(name + session, "auth-int", 1) for name in NAMES for session in ("", "-sess")]
cases += [case("SHA-512-256-sess", "auth", count) for count in (1, 2, 11, 0xFFFFFFFF)]
cases += [case("SHA-256", "auth-int", 1, body=""), case("SHA-256", "auth-int", 1, method="GET", body="")]
cases += [case("SHA-256-sess", "auth", 1, nonce="next", first_nonce=FIRST)]
if __name__ == "__main__":
    print(json.dumps(cases, indent=1, ensure_ascii=False))
