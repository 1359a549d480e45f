import { MantineProvider } from "@mantine/core";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { HostCertificate } from "@/api/generated";
import { Certificate } from "./Certificate";

const said = (certificate: HostCertificate) =>
  renderToStaticMarkup(
    <MantineProvider>
      <Certificate certificate={certificate} what="Certificate" />
    </MantineProvider>,
  )
    .replace(/<style.*?<\/style>/gs, "")
    .replace(/<[^>]*>/g, "");

test("a certificate says until when it counts, and what keeps it from being renewed", () => {
  const next_at = new Date(Date.now() + 300_000).toISOString();
  const ends_at = "2027-02-24T10:00:00.000Z";
  expect(said({ ends_at: null, trouble: null, problem: null, next_at })).toBe("Certificate is being asked for.");
  expect(said({ ends_at, trouble: null, problem: null, next_at })).toBe(
    "Certificate until 24 Feb 2027, renewed in time by itself.",
  );
  expect(said({ ends_at, trouble: "refused", problem: "no", next_at })).toContain(
    "Certificate until 24 Feb 2027. It couldn&#x27;t be renewed. Refused by the certificate authority: no. It is tried again in 5 min.",
  );
  expect(said({ ends_at: null, trouble: "dns", problem: "x points to y", next_at })).toContain(
    "Waiting for DNS: x points to y. It is tried again in 5 min.",
  );
});
