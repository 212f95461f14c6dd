// An authorization server by oidc-provider, and an API beside it that takes its tokens. Prints one line of JSON when it is up;
// ends when its standard input does.
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const need = createRequire(`${process.env.MODULES}/x.js`);
const { Provider, errors } = await import(pathToFileURL(need.resolve('oidc-provider')));
const jose = await import(pathToFileURL(need.resolve('jose')));

const jwk = (name) => ({
  ...createPublicKey(readFileSync(`${process.env.KEYS}/${name}.pem`)).export({ format: 'jwk' }),
  kid: name,
});
const client = (client_id, token_endpoint_auth_method, more) => ({
  client_id,
  token_endpoint_auth_method,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  ...more,
});

let handle = () => {};
const server = createServer((request, response) => handle(request, response));
await new Promise((up) => server.listen(0, '127.0.0.1', up));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    client('a:b c', 'client_secret_basic', { client_secret: 'p%+ss :x' }),
    client('post', 'client_secret_post', { client_secret: 'p%+ss :x' }),
    client('es', 'private_key_jwt', { jwks: { keys: [jwk('es256')] }, token_endpoint_auth_signing_alg: 'ES256' }),
    client('rs', 'private_key_jwt', { jwks: { keys: [jwk('rsa')] }, token_endpoint_auth_signing_alg: 'RS256' }),
    client('bound', 'client_secret_basic', { client_secret: 's', dpop_bound_access_tokens: true }),
    client('refresher', 'client_secret_basic', {
      client_secret: 's',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://a.example/'],
      response_types: ['code'],
    }),
  ],
  scopes: ['openid', 'offline_access', 'contacts'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
  },
  rotateRefreshToken: true,
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 6000, Grant: 6000 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

// What a person would get by signing in.
async function signedIn() {
  const grant = new provider.Grant({ accountId: 'ada', clientId: 'refresher' });
  grant.addOIDCScope('openid offline_access');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    client: await provider.Client.find('refresher'),
    accountId: 'ada',
    grantId,
    gty: 'authorization_code',
    scope: 'openid offline_access',
    rotations: 0,
    iiat: Math.floor(Date.now() / 1000),
  });
  return token.save();
}

// RFC 9449 section 4.3; none where all is well.
async function wrongProof(request, text, token) {
  const proof = request.headers.dpop;
  const { jwk: key, typ } = jose.decodeProtectedHeader(proof);
  const { payload } = await jose.jwtVerify(proof, await jose.importJWK(key, 'ES256'), { algorithms: ['ES256'] });
  const ath = createHash('sha256').update(text).digest('base64url');
  if (typ !== 'dpop+jwt' || payload.htm !== request.method || payload.htu !== issuer + request.url.split('?')[0]) return 'target';
  if (payload.ath !== ath || (await jose.calculateJwkThumbprint(key)) !== token.jkt) return 'token';
  return payload.nonce === 'of-the-api' ? undefined : 'use_dpop_nonce';
}

async function api(request, response) {
  const [scheme, text] = (request.headers.authorization ?? '').split(' ');
  const token = (await provider.ClientCredentials.find(text)) ?? (await provider.AccessToken.find(text));
  const answer = (status, headers = {}) => response.writeHead(status, headers).end();
  if (!token || scheme !== (token.jkt ? 'DPoP' : 'Bearer')) {
    return answer(401, { 'www-authenticate': 'Bearer error="invalid_token"' });
  }
  if (token.jkt) {
    const wrong = await wrongProof(request, text, token);
    if (wrong) return answer(401, { 'www-authenticate': `DPoP error="${wrong}"`, 'dpop-nonce': 'of-the-api' });
  }
  if (request.url.startsWith('/api/last')) await token.destroy();
  return answer(201, { 'x-client': encodeURIComponent(token.clientId), 'x-scope': token.scope ?? '' });
}

const oauth = provider.callback();
handle = (request, response) => {
  if (!request.url.startsWith('/api')) return oauth(request, response);
  api(request, response).catch((error) => response.writeHead(500).end(String(error)));
};
provider.on('server_error', (_, error) => console.error(error));
if (process.env.VERBOSE) provider.on('grant.error', (_, error) => console.error(error, errors));

console.log(JSON.stringify({ issuer, refresh_token: await signedIn() }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
