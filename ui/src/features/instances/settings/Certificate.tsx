import type { CertificateTrouble, Domain, HostCertificate } from "@/api/generated";
import { Note, Time } from "@/kit";
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
  const until = ends_at && (
    <>
      {what} until{" "}
      <time dateTime={ends_at} title={exact.format(Date.parse(ends_at))}>
        {day.format(Date.parse(ends_at))}
      </time>
    </>
  );
  if (!trouble)
    return (
      <span className={css.quiet}>
        {until ? <>{until}, renewed in time by itself.</> : `${what} is being asked for.`}
      </span>
    );
  return (
    <Note tone="warn">
      {until && <>{until}. It couldn't be renewed. </>}
      {TROUBLES[trouble]}: {problem}. It is tried again <Time at={next_at} />.
    </Note>
  );
}

/** Where a domain leads that doesn't lead here, unless its certificate says so; and how it is made to. */
export function Leading({ domain, given }: { domain: Domain; given: string | undefined }) {
  const { leads, leads_to, should_lead_to, certificate } = domain;
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
