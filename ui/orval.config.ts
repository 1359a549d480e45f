// The client of the API, made from its description: `npm run generate`.

import { defineConfig } from "orval";

export default defineConfig({
  stoa: {
    input: { target: "../docs/openapi.json" },
    output: {
      // A file for each noun, so that a page loads the calls of its own.
      mode: "tags",
      workspace: "./src/api/generated",
      target: "./stoa.ts",
      client: "fetch",
      clean: true,
      headers: false,
      urlEncodeParameters: true,
      override: {
        mutator: { path: "../client.ts", name: "call" },
        fetch: { includeHttpResponseReturnType: false },
        useTypeOverInterfaces: true,
        useNamedParameters: false,
      },
    },
  },
});
