"""An authorization server by Authlib, which checks assertions (RFC 7523), and an API beside it that takes its tokens: prints its
port, and ends when its standard input does. KEYS names a folder of public keys."""

import logging
import os
import sys
import threading

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc7523 import JWTBearerGrant
from flask import Flask, request
from joserfc.jwk import ECKey, RSAKey
from werkzeug.serving import make_server

logging.disable(logging.WARNING)


def public(kind, name):
    with open(os.path.join(os.environ["KEYS"], name), encoding="ascii") as file:
        return kind.import_key(file.read())


# By the name of who asks; of `other` nobody has the private half.
KEYS = {
    "es": public(ECKey, "es256.pub.pem"),
    "rs": public(RSAKey, "rsa.pub.pem"),
    "other": ECKey.generate_key("P-256"),
}
tokens = {}


class Client(ClientMixin):
    def __init__(self, name):
        self.name = name

    def get_client_id(self):
        return self.name

    def get_allowed_scope(self, scope):
        return scope

    def check_grant_type(self, grant_type):
        return grant_type == JWTBearerGrant.GRANT_TYPE


class Grant(JWTBearerGrant):
    def get_audiences(self):
        return [f"{request.host_url}token"]

    def resolve_issuer_client(self, issuer):
        return Client(issuer) if issuer in KEYS else None

    def resolve_client_public_key(self, client):
        return KEYS[client.name]

    def authenticate_user(self, subject):
        return subject if subject == "ada" else None

    def has_granted_permission(self, client, user):
        return True


app = Flask("jwt_bearer")
app.config["OAUTH2_SCOPES_SUPPORTED"] = ["contacts"]
oauth = AuthorizationServer(
    app,
    query_client=lambda _: None,
    save_token=lambda token, asked: tokens.update({token["access_token"]: asked.user}),
)
oauth.register_grant(Grant)


@app.post("/token")
def token():
    return oauth.create_token_response()


@app.post("/api")
def api():
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return "", 201 if scheme == "Bearer" and tokens.get(shown) == "ada" else 401


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
