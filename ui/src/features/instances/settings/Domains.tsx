import { ActionIcon, TextInput } from "@mantine/core";
import { IconPlus, IconRefresh, IconShieldCheck, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { ifMatch } from "@/api/client";
import { changeSettings, checkDomain, type Domain, type InstanceSettings } from "@/api/generated";
import { useAct } from "@/api/queries";
import {
  CodeToCopy,
  ConfirmDialog,
  DisabledReason,
  Note,
  Panel,
  reasonAgainst,
  StatusBadge,
  Time,
  WaitingButton,
} from "@/kit";
import { Certificate, Leading } from "./Certificate";
import { AFTER } from "./queries";
import type { Here } from "./SettingForm";
import css from "./settings.module.css";

/** The host of an address, without its scheme and port. */
const bare = (url: string | null | undefined) => url?.replace(/^https?:\/\//, "").replace(/:\d+$/, "");

/** Host names of the instance's own: each serves once the DNS holds its proof. */
export function Domains({ here }: { here: Here }) {
  const { workspace, instance, settings } = here;
  const [typed, setTyped] = useState("");
  const [removed, setRemoved] = useState<Domain | null>(null);
  const set = useAct<string[], InstanceSettings>(workspace, {
    act: (hosts) =>
      changeSettings(workspace, instance.id, { domains: hosts.map((host) => ({ host })) }, ifMatch(settings.etag)),
    nouns: [...AFTER],
    onDone: () => {
      setTyped("");
      setRemoved(null);
    },
  });
  const hosts = settings.domains.map(({ host }) => host);
  const against = reasonAgainst(instance, "change_settings")?.detail;
  const problem = removed ? null : set.error;
  return (
    <section id="domains" aria-labelledby="domains-title" className={css.section}>
      <h2 id="domains-title">Domains</h2>
      <p className={css.sentence}>
        Addresses of its own, besides <span className={css.code}>{instance.url?.replace(/^https?:\/\//, "")}</span>.
        Point each by a CNAME or an address at this installation, and prove by a TXT record that it is yours.
      </p>
      {settings.certificate && (
        <div className={css.sentence}>
          <Certificate certificate={settings.certificate} what="Certificate of the given address" />
        </div>
      )}
      <Panel>
        {settings.domains.length === 0 && (
          <div className={css.fields}>
            <span className={css.quiet}>No domains. Visitors come by the address that Stoa gave it.</span>
          </div>
        )}
        <ul className={css.domains}>
          {settings.domains.map((domain) => (
            <DomainRow
              key={domain.host}
              here={here}
              domain={domain}
              against={against}
              onRemove={() => setRemoved(domain)}
            />
          ))}
        </ul>
        <form
          className={css.add}
          onSubmit={(event) => {
            event.preventDefault();
            if (typed.trim() && !against) set.mutate([...hosts, typed.trim()]);
          }}
        >
          <TextInput
            aria-label="Domain to add"
            placeholder="shop.example.org"
            value={typed}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => {
              setTyped(event.currentTarget.value);
              set.reset();
            }}
            error={problem && (problem.errors.map(({ detail }) => detail).join(" ") || problem.detail)}
          />
          <WaitingButton
            type="submit"
            why={against ?? (typed.trim() ? undefined : "Type a domain first")}
            leftSection={<IconPlus size={16} stroke={1.75} aria-hidden />}
            loading={set.isPending && !removed}
          >
            Add a domain
          </WaitingButton>
        </form>
      </Panel>
      <ConfirmDialog
        opened={removed !== null}
        onClose={() => {
          setRemoved(null);
          set.reset();
        }}
        title={`Remove ${removed?.shown ?? ""}?`}
        action="Remove the domain"
        busy={set.isPending}
        problem={set.error}
        onConfirm={() => removed && set.mutate(hosts.filter((host) => host !== removed.host))}
      >
        It stops serving at once. Whoever adds it again proves it again, by another record.
      </ConfirmDialog>
    </section>
  );
}

function DomainRow(props: { here: Here; domain: Domain; against: string | undefined; onRemove: () => void }) {
  const { here, domain } = props;
  const { workspace, instance } = here;
  const check = useAct<void, Domain>(workspace, {
    act: () => checkDomain(workspace, instance.id, domain.host, {}),
    nouns: ["environment"],
  });
  return (
    <li>
      <div className={css.domain}>
        <strong>{domain.shown}</strong>
        {domain.shown !== domain.host && <span className={css.quiet}>{domain.host}</span>}
        {domain.verified_at ? (
          <span className={css.proved}>
            <IconShieldCheck size={16} stroke={1.75} aria-hidden /> Verified
          </span>
        ) : (
          <StatusBadge status="attention" word="Not proved yet" />
        )}
        <span className={css.end}>
          <WaitingButton
            leftSection={<IconRefresh size={16} stroke={1.75} aria-hidden />}
            why={props.against}
            loading={check.isPending}
            onClick={() => check.mutate()}
          >
            Check now
          </WaitingButton>
          <DisabledReason reason={props.against}>
            <ActionIcon
              aria-label={`Remove ${domain.shown}`}
              aria-disabled={props.against ? true : undefined}
              data-disabled={props.against ? true : undefined}
              onClick={props.against ? undefined : props.onRemove}
            >
              <IconTrash size={16} stroke={1.75} />
            </ActionIcon>
          </DisabledReason>
        </span>
      </div>
      {!domain.verified_at && (
        <div className={css.proof}>
          <span>
            It serves once <span className={css.code}>{domain.proof_name}</span> has this TXT record:
          </span>
          <CodeToCopy text={domain.proof} label={`Copy the proof of ${domain.shown}`} />
        </div>
      )}
      {domain.verified_at && domain.certificate && <Certificate certificate={domain.certificate} what="Certificate" />}
      <Leading domain={domain} given={bare(instance.url)} />
      <span className={css.quiet} role="status">
        {domain.problem && `${domain.problem} `}
        {domain.leads === "here" && "It points here. "}
        {domain.checked_at && (
          <>
            Looked for <Time at={domain.checked_at} />.
          </>
        )}
      </span>
      {check.error && <Note tone="bad">{check.error.detail}</Note>}
    </li>
  );
}
