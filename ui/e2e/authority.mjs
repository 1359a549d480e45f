// A certificate authority (pebble) and a name server that it and Stoa believe. Test-only.

import { spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import { freePort, tree, until } from "./stoa.mjs";

export const certificates = join(tree, "crates/stoa/tests/certificates");

/** `texts` and `addresses` by name. A name without an address that is set leads to this machine. */
export async function startNames() {
  const texts = new Map();
  const addresses = new Map();
  const found = (kind, name) => {
    if (kind === 1) return Buffer.from((addresses.get(name) ?? "127.0.0.1").split(".").map(Number));
    const text = kind === 16 ? texts.get(name) : undefined;
    return text && Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  };
  const socket = dgram.createSocket("udp4");
  socket.on("message", (message, from) => {
    const labels = [];
    let at = 12;
    while (message[at] !== 0) {
      labels.push(message.subarray(at + 1, at + 1 + message[at]).toString());
      at += message[at] + 1;
    }
    const kind = message.readUInt16BE(at + 1);
    const data = found(kind, labels.join(".").toLowerCase());
    const head = Buffer.from([message[0], message[1], 0x81, 0x80, 0, 1, 0, data ? 1 : 0, 0, 0, 0, 0]);
    const record = data && Buffer.from([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, data.length]);
    const parts = [head, message.subarray(12, at + 5), ...(data ? [record, data] : [])];
    socket.send(Buffer.concat(parts), from.port, from.address);
  });
  await new Promise((go) => socket.bind(0, "127.0.0.1", go));
  return { texts, addresses, port: socket.address().port, stop: () => socket.close() };
}

/** An authority that asks hosts at `httpPort`, and certifies none of `blocked`. `folder` takes its settings. */
export async function startAuthority({ folder, names, httpPort, blocked = [] }) {
  const [listen, management] = [await freePort(), await freePort()];
  const file = join(folder, "pebble.json");
  const pebble = {
    listenAddress: `127.0.0.1:${listen}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(certificates, "first.pem"),
    privateKey: join(certificates, "first.key"),
    httpPort,
    tlsPort: httpPort,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
    domainBlocklist: blocked,
  };
  await writeFile(file, JSON.stringify({ pebble }));
  const child = spawn("pebble", ["-config", file, "-dnsserver", `127.0.0.1:${names.port}`], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: "1" },
    stdio: "ignore",
  });
  const answers = () =>
    new Promise((go, stop) => {
      const asked = https.get(
        { host: "127.0.0.1", port: management, path: "/roots/0", rejectUnauthorized: false },
        (answer) => {
          answer.resume();
          go(answer.statusCode === 200);
        },
      );
      asked.on("error", stop);
    });
  await until("the authority", answers);
  return {
    directory: `https://localhost:${listen}/dir`,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}
