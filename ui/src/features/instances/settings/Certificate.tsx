import type { CertificateTrouble, Domain, HostCertificate } from "@/api/generated";
import { Time } from "@/kit";
import css from "./settings.module.css";

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

const TROUBLES: Record<CertificateTrouble, string> = {
  dns: "Waiting for DNS",
  waits: "Waiting for its turn",
  refused: "Refused by the certificate authority",
  limited: "The certificate authority was asked too often",
  away: "The certificate authority doesn't answer as it should",
};

/** How the certificate of a host stands: until when it counts, and what keeps it from being there, or renewed. */
export function Certificate({ certificate, what }: { certificate: HostCertificate; what: string }) {
  const { ends_at, trouble, problem, next_at } = certificate;
  return (
    <span className={css.quiet}>
      {ends_at && (
        <>
          {what} until{" "}
          <time dateTime={ends_at} title={exact.format(Date.parse(ends_at))}>
            {day.format(Date.parse(ends_at))}
          </time>
          {trouble ? ". It couldn't be renewed. " : ", renewed in time by itself."}
        </>
      )}
      {!ends_at && !trouble && `${what} is being asked for.`}
      {trouble && (
        <>
          {TROUBLES[trouble]}: {problem}. Tried again <Time at={next_at} />.
        </>
      )}
    </span>
  );
}

/** Where a domain leads, unless its certificate says so; and how it is made to lead here. */
export function Leading({ domain, given }: { domain: Domain; given: string | undefined }) {
  const { leads, leads_to, should_lead_to, certificate } = domain;
  if (leads === "here") return <span className={css.quiet}>It points here.</span>;
  if (leads !== "elsewhere" && leads !== "nowhere") return null;
  const addresses = should_lead_to.join(" or ");
  const isSaid = domain.verified_at && certificate?.trouble === "dns";
  return (
    <span className={css.quiet}>
      {!isSaid && (leads === "nowhere" ? "It has no address. " : `It points to ${leads_to.join(", ")}. `)}
      {(given || addresses) && (
        <>
          Point it here by {given && <span className={css.code}>CNAME {given}</span>}
          {given && addresses && ", or by "}
          {addresses && <span className={css.code}>{addresses}</span>}.
        </>
      )}
    </span>
  );
}
