import type { ReactNode } from "react";
import type { Installation } from "@/api/generated";
import { bytes } from "@/features/servers/bytes";
import { Failed, LoadingRows, Note, Panel, Section, StatusBadge, Time } from "@/kit";
import css from "./administration.module.css";
import { useInstallation } from "./queries";

export function State() {
  const found = useInstallation();
  if (found.error) return <Failed error={found.error} retry={() => void found.refetch()} inline />;
  if (!found.data) return <LoadingRows />;
  const { mail, storage, notes, replicas, counts } = found.data;
  return (
    <div className={css.state}>
      {notes.map(({ code, detail }) => (
        <Note key={code} tone="warn">
          {detail}
        </Note>
      ))}
      <Facts title="Stoa">
        <Fact name="Version">
          <code>{found.data.version}</code>
        </Fact>
        <Fact name="Address">
          <code>{found.data.public_url}</code>
        </Fact>
        <Fact name="Instances' domain">
          <code>{found.data.instance_domain}</code>
        </Fact>
        <Fact name="Who may create workspaces">
          {found.data.workspace_creation === "everyone" ? "Everyone with an account" : "Administrators alone"}
          <div className={css.quiet}>
            Set with <code>STOA_WORKSPACE_CREATION</code> where Stoa is started.
          </div>
        </Fact>
        <Fact name="Holds">
          <span className="numbers">
            {counted(counts.accounts, "active account")}, {counted(counts.workspaces, "workspace")},{" "}
            {counted(counts.instances, "instance")}
          </span>
        </Fact>
      </Facts>
      <Mail mail={mail} />
      <Facts title="Storage">
        <Fact name="Database">
          {storage.database === "sqlite" ? "SQLite" : "PostgreSQL"}, {bytes(storage.database_size)}
        </Fact>
        <Fact name="Free beside it">
          {storage.free === null ? "Can't be measured: see the log" : bytes(storage.free)}
        </Fact>
        {storage.folders.map(({ name, size }) => (
          <Fact key={name} name={name}>
            {bytes(size)}
          </Fact>
        ))}
      </Facts>
      <Facts title="Replicas">
        {replicas.length === 0 && <Fact name="Processes">One, on its own</Fact>}
        {replicas.map((replica) => (
          <Fact key={replica.id} name={replica.name}>
            {replica.internal_url && <code>{replica.internal_url}</code>} <span className={css.quiet}>seen </span>
            <span className={css.quiet}>
              <Time at={replica.seen_at} />
            </span>
          </Fact>
        ))}
      </Facts>
    </div>
  );
}

const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;

function Mail({ mail }: { mail: Installation["mail"] }) {
  if (!mail.is_configured)
    return (
      <Facts title="Mail">
        <Fact name="Mail server">
          <StatusBadge status="stopped" word="None" />
          <div className={css.quiet}>
            Links of invitations are shown to copy. Set <code>STOA_SMTP_URL</code> and <code>STOA_MAIL_FROM</code> to
            send them.
          </div>
        </Fact>
      </Facts>
    );
  const { last_error: error } = mail;
  return (
    <Facts title="Mail">
      <Fact name="Mail server">
        <code>{mail.server}</code>
      </Fact>
      <Fact name="Sender">
        <code>{mail.sender}</code>
      </Fact>
      <Fact name="Waiting">
        <span className="numbers">{mail.waiting === 0 ? "None" : mail.waiting}</span>
        {mail.waiting_since && (
          <span className={css.quiet}>
            {mail.waiting === 1 ? ", written " : ". The oldest was written "}
            <Time just at={mail.waiting_since} />
          </span>
        )}
      </Fact>
      <Fact name="Last error">
        {error ? (
          <>
            {error.detail}
            <div className={css.quiet}>
              The mail was written <Time just at={error.queued_at} />.{" "}
              {error.is_given_up ? "Stoa doesn't try to send it again." : "Stoa tries to send it again."}
            </div>
          </>
        ) : (
          "None"
        )}
      </Fact>
    </Facts>
  );
}

function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Section title={title}>
      <Panel>
        <dl className={css.facts}>{children}</dl>
      </Panel>
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
