"""Verifies tokens with PyJWT: one JSON object a line, `iss` of the token or `refused` a line."""

import json
import sys

import jwt

for line in sys.stdin:
    case = json.loads(line)
    try:
        claims = jwt.decode(case["token"], case["key"], algorithms=[case["algorithm"]], audience="you")
        print(claims["iss"])
    except jwt.PyJWTError:
        print("refused")
