import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.STOA_DEV_SERVER ?? "http://localhost:8080";

/** What the first page may load of compressed script. */
const FIRST_LOAD = 200_000;

/** Leaves beside each script, style and picture its smallest form: the server embeds it, and never compresses itself. */
function compressed(): Plugin {
  let folder = "dist";
  return {
    name: "compressed",
    apply: "build",
    configResolved: ({ root, build }) => {
      folder = join(root, build.outDir);
    },
    closeBundle: () => {
      const assets = join(folder, "assets");
      for (const name of readdirSync(assets).filter((name) => /\.(js|css|svg)$/.test(name))) {
        const plain = readFileSync(join(assets, name));
        const dense = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
        if (dense.length < plain.length) writeFileSync(join(assets, `${name}.br`), dense);
      }
      const shell = readFileSync(join(folder, "index.html"), "utf8");
      const first = [...shell.matchAll(/\/(assets\/[^"]+\.js)"/g)].map(([, path]) => path ?? "");
      const size = (path: string) =>
        statSync(join(folder, existsSync(join(folder, `${path}.br`)) ? `${path}.br` : path)).size;
      const total = first.reduce((sum, path) => sum + size(path), 0);
      if (total > FIRST_LOAD)
        throw new Error(`The first load is ${total} bytes of script; ${FIRST_LOAD} is the limit.`);
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // Nothing is inlined: the content policy of the shell allows files of its own alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    port: 5173,
    // The server compares the origin with its public one; here the page stands on another port.
    proxy: { "/api": { target: server, changeOrigin: true, headers: { origin: server } } },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["src/test-setup.ts"] },
});
