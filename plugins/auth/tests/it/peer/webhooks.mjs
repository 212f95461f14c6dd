// Verifies signed webhooks, one JSON object a line, with the vendors' own libraries.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const modules = process.env.MODULES;
const { verify } = await import(`${modules}/@octokit/webhooks-methods/dist-node/index.js`);
const require = createRequire(`${modules}/`);
require("@shopify/shopify-api/adapters/node");
const { shopifyApi, ApiVersion } = require("@shopify/shopify-api");

async function github({ secret, headers, body }) {
  return verify(secret, body, headers["x-hub-signature-256"]);
}

async function shopify({ secret, headers, body }) {
  const api = shopifyApi({
    apiKey: "key",
    apiSecretKey: secret,
    apiVersion: Object.values(ApiVersion)[0],
    hostName: "a.example",
    isEmbeddedApp: true,
    logger: { level: 0, log: () => {} },
  });
  const about = {
    "x-shopify-topic": "orders/create",
    "x-shopify-shop-domain": "a.myshopify.com",
    "x-shopify-api-version": "2025-01",
    "x-shopify-webhook-id": "1",
  };
  const rawRequest = { method: "POST", url: "/", headers: { ...about, ...headers } };
  const { valid, reason } = await api.webhooks.validate({ rawBody: body, rawRequest });
  if (!valid && reason !== "invalid_hmac") throw new Error(reason);
  return valid;
}

const verifiers = { github, shopify };
for await (const line of createInterface({ input: process.stdin })) {
  const one = JSON.parse(line);
  console.log((await verifiers[one.preset](one)) ? "accepted" : "refused");
}
