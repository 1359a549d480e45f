// The client of the API, made from its description: `npm run generate`.

import { defineConfig } from "orval";

export default defineConfig({
  stoa: {
    input: { target: "../docs/openapi.json" },
    output: {
      mode: "single",
      target: "./src/api/generated/stoa.ts",
      client: "fetch",
      clean: true,
      headers: false,
      urlEncodeParameters: true,
      override: {
        mutator: { path: "./src/api/client.ts", name: "call" },
        fetch: { includeHttpResponseReturnType: false },
        useTypeOverInterfaces: true,
        useNamedParameters: false,
      },
    },
  },
});
