// Sends a broadcast with the generated types, and reads its report: `fanfare.js URL`. Prints both as lines.

import createClient from "openapi-fetch";

import type { components, paths } from "./fanfare-api.js";

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });
const body: components["schemas"]["Send"] = { payload: { from: "typescript" }, to: ["crm"] };
const sent = await client.POST("/v1/broadcasts", { body });
if (sent.data === undefined || !("location" in sent.data)) throw new Error(JSON.stringify(sent.error));
const found = await client.GET("/v1/broadcasts/{id}", {
  params: { path: { id: sent.data.id }, query: { until: "settled" }, header: { Prefer: "wait=30" } },
});
const report = found.data;
if (report === undefined) throw new Error(JSON.stringify(found.error));
const [delivery] = report.deliveries;
console.log("report", report.verdict, delivery?.target, delivery?.outcome);
const wrong = await client.POST("/v1/broadcasts", { body: { payload: 1, route: "nowhere" } });
console.log("problem", wrong.error?.status, wrong.error?.errors?.[0]?.pointer);
