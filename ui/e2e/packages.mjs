// Packages as a build finds them elsewhere, on this machine: what is built as it stands finds them by pip's own settings.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { fetched } from "./need.mjs";

/** The address by which this machine reaches others; none where it reaches none. */
async function outward() {
  const socket = createSocket("udp4");
  try {
    // Nothing is sent by this.
    socket.connect(9, "203.0.113.1");
    await once(socket, "connect");
    return socket.address().address;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}

/**
 * The wheels of the shop, where sandboxes reach them, and the environment of a Stoa whose instances do. A machine's own
 * settings of pip aren't to be seen in a sandbox, and the examples' commits are what they are: so the settings are put
 * beside what is taken out of a repository, into the virtual environment that is made there. `missing` tells what the
 * machine lacks for that, and why.
 */
export async function startPackages() {
  const [{ folder, why }, address] = await Promise.all([fetched("wheels"), outward()]);
  const missing = !folder ? ["django", why] : !address ? ["network", "it reaches no other machine"] : null;
  if (missing) return { missing, environment: {}, stop: () => {} };
  const names = await readdir(folder);
  const server = http.createServer(async (request, answer) => {
    const name = decodeURIComponent(basename(request.url));
    const links = () => names.map((one) => `<a href="${encodeURIComponent(one)}">${one}</a>`).join("\n");
    if (name === "") return answer.writeHead(200, { "content-type": "text/html" }).end(links());
    if (names.includes(name)) return answer.end(await readFile(join(folder, name)));
    answer.writeHead(404).end();
  });
  server.listen(0, address);
  await once(server, "listening");
  const place = `${address}:${server.address().port}`;

  const programs = await mkdtemp(join(tmpdir(), "stoa-e2e-git-"));
  const settings = join(programs, "pip.conf");
  await writeFile(settings, `[global]\nno-index = true\nfind-links = http://${place}/\ntrusted-host = ${address}\n`);
  const git = `#!/bin/sh
PATH='${process.env.PATH}' git "$@" || exit
case " $* " in
*" checkout-index "*) [ ! -f requirements.txt ] || { mkdir -p .venv && cp '${settings}' .venv/pip.conf; } ;;
esac
`;
  await writeFile(join(programs, "git"), git, { mode: 0o755 });
  return {
    missing: null,
    environment: { STOA_INSTANCE_EGRESS_ALLOW: place, PATH: `${programs}${delimiter}${process.env.PATH}` },
    async stop() {
      server.close();
      server.closeAllConnections();
      await rm(programs, { recursive: true, force: true });
    },
  };
}
