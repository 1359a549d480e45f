// A real mail server that demands STARTTLS and a password, and does what it is told to each receiver. Test-only.

import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { spawned, until } from "./stoa.mjs";

const USER = "stoa";
const PASSWORD = "the password of the mail server";

/** A certificate of this machine's own, and the authority that vouches for it. */
async function certificate(folder) {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const { code, said } = await spawned("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert],
  ]);
  if (code !== 0) throw new Error(`openssl: ${said}`);
  return { key: await readFile(key), cert: await readFile(cert), file: cert };
}

export async function startSecureMail() {
  const folder = await mkdtemp(join(tmpdir(), "stoa-e2e-smtp-"));
  const { key, cert, file } = await certificate(folder);
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, `${PASSWORD}\n`);
  const letters = [];
  /** Receiver to what it is met with: `refuse`, `later`, `stall`, `drop` or nothing. */
  const moods = new Map();
  const seen = { plain: 0, secure: 0, signedIn: 0, wrongPasswords: 0 };
  const connections = new Map();
  let last;
  const refused = (code, words) => Object.assign(new Error(words), { responseCode: code });
  const server = new SMTPServer({
    key,
    cert,
    authMethods: ["PLAIN", "LOGIN"],
    // Without TLS no password is taken, and without a password no letter.
    allowInsecureAuth: false,
    onConnect: (session, go) => {
      connections.set(session.id, last);
      seen.plain += 1;
      go();
    },
    onAuth: ({ username, password }, session, go) => {
      if (session.secure) seen.secure += 1;
      if (username !== USER || password !== PASSWORD) {
        seen.wrongPasswords += 1;
        return go(refused(535, "5.7.8 wrong user or password"));
      }
      seen.signedIn += 1;
      go(null, { user: username });
    },
    onRcptTo: ({ address }, session, go) => {
      const mood = moods.get(address);
      if (mood === "refuse") return go(refused(550, "5.1.1 no such mailbox"));
      if (mood === "later") return go(refused(451, "4.7.1 greylisted, come back later"));
      if (mood === "stall") return;
      session.receivers = [...(session.receivers ?? []), address];
      go();
    },
    onData: (stream, session, go) => {
      let text = "";
      stream.on("data", (part) => {
        text += part;
      });
      stream.on("end", () => {
        const [to] = session.receivers ?? [];
        // Cut off before the letter was taken over: it may have arrived, or not.
        if (moods.get(to) === "drop") return connections.get(session.id)?.destroy();
        letters.push({ to, text });
        go();
      });
    },
  });
  server.on("error", () => {});
  server.server.on("connection", (socket) => {
    last = socket;
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const { port } = server.server.address();
  const environment = (starttls = "required") => ({
    STOA_SMTP_URL: `smtp://${USER}@localhost:${port}?starttls=${starttls}`,
    STOA_SMTP_PASSWORD_FILE: passwordFile,
    STOA_SMTP_CA_FILE: file,
    STOA_MAIL_FROM: "Stoa <stoa@stoa.example>",
  });
  return {
    seen,
    environment,
    letters,
    set: (address, mood) => (mood ? moods.set(address, mood) : moods.delete(address)),
    setPassword: (text) => writeFile(passwordFile, text),
    to: (address, seconds = 30) =>
      until(`a letter to ${address}`, async () => letters.findLast(({ to }) => to === address), seconds),
    async stop() {
      for (const socket of connections.values()) socket?.destroy();
      await new Promise((go) => server.close(go));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The parts of a letter, decoded: by their content type. */
export function partsOf(text) {
  const parts = {};
  const read = (block) => {
    const at = block.indexOf("\r\n\r\n");
    if (at < 0) return;
    const head = block.slice(0, at).replace(/\r\n[ \t]+/g, " ");
    const body = block.slice(at + 4);
    const kind = head.match(/^content-type: *([^;\s]+)/im)?.[1]?.toLowerCase() ?? "text/plain";
    const boundary = head.match(/boundary="?([^";\r\n]+)"?/i)?.[1];
    if (boundary) {
      for (const part of body.split(`--${boundary}`).slice(1))
        if (!part.startsWith("--")) read(part.replace(/^\r\n/, ""));
      parts[kind] = true;
      return;
    }
    const encoding = head.match(/^content-transfer-encoding: *(\S+)/im)?.[1]?.toLowerCase();
    let bytes = Buffer.from(body, "utf8");
    if (encoding === "base64") bytes = Buffer.from(body, "base64");
    if (encoding === "quoted-printable") {
      const whole = body
        .replace(/=\r\n/g, "")
        .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      bytes = Buffer.from(whole, "latin1");
    }
    parts[kind] = kind.startsWith("text/") ? bytes.toString("utf8") : bytes;
  };
  read(text);
  return parts;
}
