import { expect, test } from "vitest";
import type { Instance, Server } from "@/api/nouns";
import { troubles } from "./Attention";

const instance = (some: Partial<Instance>) =>
  ({ slug: "x", may: [], status: "running", reason: null, ...some }) as never;
const server = (machine: unknown) => ({ id: "s", slug: "local", name: "local", machine }) as unknown as Server;

test("what failed stands before what only needs a look, and what is well isn't there", () => {
  const found = troubles(
    "acme",
    [
      instance({ id: "well" }),
      instance({ id: "kept", reason: "The build ended with status 1." }),
      instance({ id: "down", status: "failed" }),
      instance({ id: "anew", status: "deploying", reason: "The build ended with status 1." }),
      instance({ id: "going", status: "deleting", reason: "The build ended with status 1." }),
    ],
    [server(null), server({ no_sandbox: null, no_outgoing: null })],
  );
  expect(found.map(({ key, status }) => [key, status])).toEqual([
    ["down", "failed"],
    ["kept", "attention"],
    ["s", "attention"],
  ]);
  expect(found[1]?.effect).toBe("The previous release keeps running.");
});
