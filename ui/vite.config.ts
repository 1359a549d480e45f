import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.STOA_DEV_SERVER ?? "http://localhost:8080";

/** What a first load may take of compressed script, in bytes: by gzip, which is what browsers take over plain HTTP. */
const FIRST_LOAD = 200_000;
/**
 * What every first load takes of others' code: in one file, which packs closer than two dozen small ones, and which a
 * browser keeps while only our own code changes.
 */
const BASE = new RegExp(
  `/node_modules/(${[
    "react|react-dom|scheduler",
    "@tanstack/(history|store|react-store|router-core|react-router|query-core|react-query)",
    "@floating-ui/(core|dom|utils|react|react-dom)",
    "@tabler/icons-react/dist/esm/(createReactComponent|defaultAttributes)",
    "@mantine/core/esm/(core|utils/Floating)",
    "@mantine/core/esm/components/(ActionIcon|Button|Floating|Loader|Menu|Popover|Portal|Tooltip|Transition|UnstyledButton)",
  ].join("|")})[/.]`,
);
/** Pages that a visit begins with: each is measured together with the shell. */
const FRONT = [
  "session/SignIn.tsx",
  "workspaces/MyWorkspaces.tsx",
  "overview/OverviewPage.tsx",
  "projects/ProjectPage.tsx",
];

/** Leaves beside each script, style and picture its smallest form: the server embeds it, and never compresses itself. */
function compressed(): Plugin {
  let folder = "dist";
  return {
    name: "compressed",
    apply: "build",
    configResolved: ({ root, build }) => {
      folder = resolve(root, build.outDir);
    },
    closeBundle: () => {
      const assets = join(folder, "assets");
      for (const name of readdirSync(assets).filter((name) => /\.(js|css|svg)$/.test(name))) {
        const plain = readFileSync(join(assets, name));
        const dense = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
        if (dense.length < plain.length) writeFileSync(join(assets, `${name}.br`), dense);
      }
    },
  };
}

/** Refuses to build a page whose first load is too large: measured on what was built, with all that it imports. */
function limited(): Plugin {
  return {
    name: "limited",
    apply: "build",
    writeBundle: (_, bundle) => {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const size = (name: string) => {
        const chunk = chunks.find(({ fileName }) => fileName === name);
        return chunk ? gzipSync(chunk.code, { level: 9 }).length : 0;
      };
      const closure = (names: string[], found = new Set<string>()): Set<string> => {
        for (const name of names) {
          if (found.has(name)) continue;
          found.add(name);
          closure(chunks.find(({ fileName }) => fileName === name)?.imports ?? [], found);
        }
        return found;
      };
      const entry = chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName);
      for (const page of FRONT) {
        const own = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(`/features/${page}`));
        if (!own) throw new Error(`${page} is no part of its own any more: its first load can't be measured.`);
        const total = [...closure([...entry, own.fileName])].reduce((sum, name) => sum + size(name), 0);
        if (total > FIRST_LOAD)
          throw new Error(`The first load of ${page} is ${total} bytes of script; ${FIRST_LOAD} is the limit.`);
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), limited(), compressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // Nothing is inlined: the content policy of the shell allows files of its own alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "base", test: BASE }] } } },
  },
  server: {
    port: 5173,
    // The server compares the origin with its public one; here the page stands on another port.
    proxy: { "/api": { target: server, changeOrigin: true, headers: { origin: server } } },
  },
  test: {
    pool: "threads",
    // What needs a page to run in has one of its own for each file, with modules of its own: making them takes longer than
    // most of the tests. What is worked out of its arguments alone shares them.
    projects: [
      {
        extends: true,
        test: {
          name: "words",
          environment: "node",
          isolate: false,
          include: ["src/**/*.test.ts"],
          exclude: ["src/**/*.page.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "page",
          environment: "happy-dom",
          include: ["src/**/*.test.tsx", "src/**/*.page.test.ts"],
          setupFiles: ["src/test-setup.ts"],
        },
      },
    ],
  },
});
