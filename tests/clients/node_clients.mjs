// Asks a running server with clients of other servers, in JavaScript: `VIZSLA_URL=… node node_clients.mjs`.

import assert from "node:assert/strict";

import { createCohere } from "@ai-sdk/cohere";
import { rerank } from "ai";
import { CohereClient, CohereClientV2 } from "cohere-ai";

const url = process.env.VIZSLA_URL;
const query = "which dog retrieves?";
const documents = ["The train to the coast leaves at noon.", "A vizsla is a dog that points and retrieves."];

for (const Client of [CohereClient, CohereClientV2]) {
  const answer = await new Client({ token: "k", environment: url }).rerank({ model: "m", query, documents, topN: 1 });
  assert.equal(answer.results[0].index, 1);
}
console.log("  cohere-ai: works");

const model = createCohere({ apiKey: "k", baseURL: `${url}/v2` }).reranking("m");
const answer = await rerank({ model, query, documents, topN: 1 });
assert.equal(answer.ranking[0].originalIndex, 1);
console.log("  ai with @ai-sdk/cohere: works");
