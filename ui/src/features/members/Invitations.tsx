import { Button } from "@mantine/core";
import {
  IconAlertTriangle,
  IconCircleX,
  IconClockHour4,
  IconLink,
  IconMail,
  IconSend,
  IconX,
} from "@tabler/icons-react";
import { useState } from "react";
import { type MailState, resendInvitation, revokeInvitation } from "@/api/generated";
import { useInvitations } from "@/api/memberQueries";
import type { Invitation } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { useSendsMail } from "@/features/session/useWays";
import { CodeToCopy, ConfirmDialog, Dialog, Failed, Note, Panel, PersonAvatar, Section, Time } from "@/kit";
import of from "./invitations.module.css";
import { momentOf, standingOf, useMoment } from "./mail";
import css from "./members.module.css";
import { Unusual } from "./Unusual";

const DAY = 24 * 3600_000;
/** Each link works so long: from its end it is known when it was made, the first or a newer one. */
const LASTS = 7 * DAY;

/** Those that wait, and those that ran out and can be sent anew, as far as their address holds what is searched for. */
export function Invitations({ workspace, search }: { workspace: string; search: string }) {
  const found = useInvitations(workspace);
  const sendsMail = useSendsMail();
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  const [resent, setResent] = useState<Invitation | null>(null);
  const revoke = useAct<Invitation>(workspace, {
    act: ({ id }) => revokeInvitation(workspace, id),
    nouns: ["invitations"],
    onDone: () => setRevoking(null),
  });
  const resend = useAct<Invitation, Invitation>(workspace, {
    act: ({ id }) => resendInvitation(workspace, id),
    nouns: ["invitations"],
    onDone: (answer) => setResent(answer),
  });
  const wanted = search.trim().toLocaleLowerCase();
  // The newest links stand first: what was just done is in sight.
  const shown = found.data
    ?.filter(
      ({ status, email }) =>
        (status === "pending" || status === "expired") && email.toLocaleLowerCase().includes(wanted),
    )
    .sort((one, other) => Date.parse(other.expires_at) - Date.parse(one.expires_at));
  if (found.error) return <Failed error={found.error} retry={() => void found.refetch()} inline />;
  if (!shown?.length) return null;
  return (
    <Section title="Pending invitations" count={shown.length}>
      <div className={css.room}>
        <Panel>
          {shown.map((invitation) => (
            <div key={invitation.id} className={of.invitation}>
              <div className={css.person}>
                <span className={of.letter}>
                  <IconMail size={15} stroke={1.75} aria-hidden />
                </span>
                <span className={css.name} style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}>
                  {invitation.email} <Unusual email={invitation.email} />
                </span>
              </div>
              <div className={css.person} style={{ gap: 8 }}>
                {invitation.invited_by && <PersonAvatar name={invitation.invited_by} size={20} />}
                <span className={css.dim}>
                  {invitation.invited_by && `${invitation.invited_by}, `}
                  <Sent invitation={invitation} />
                </span>
              </div>
              <Expiry invitation={invitation} sendsMail={sendsMail} />
              <div style={{ display: "flex", gap: 4 }}>
                <Button
                  variant="subtle"
                  data-size="xs"
                  leftSection={sendsMail ? <IconSend size={15} stroke={1.75} /> : <IconLink size={15} stroke={1.75} />}
                  loading={resend.isPending && resend.variables?.id === invitation.id}
                  onClick={() => resend.mutate(invitation)}
                  aria-label={sendsMail ? `Resend to ${invitation.email}` : `New link for ${invitation.email}`}
                >
                  {sendsMail ? "Resend" : "New link"}
                </Button>
                <Button
                  variant="subtle"
                  data-size="xs"
                  leftSection={<IconX size={15} stroke={1.75} />}
                  onClick={() => setRevoking(invitation)}
                  aria-label={`Revoke for ${invitation.email}`}
                >
                  Revoke
                </Button>
              </div>
            </div>
          ))}
        </Panel>
      </div>
      {resend.error && (
        <div style={{ marginTop: 12 }}>
          <Note tone="bad">{resend.error.detail}</Note>
        </div>
      )}
      {revoking && (
        <ConfirmDialog
          opened
          onClose={() => setRevoking(null)}
          title={`Revoke the invitation of ${revoking.email}?`}
          action="Revoke"
          busy={revoke.isPending}
          problem={revoke.error}
          onConfirm={() => revoke.mutate(revoking)}
        >
          The link ends at once. To invite them again you need a new invitation.
        </ConfirmDialog>
      )}
      {resent && (
        <Dialog
          opened
          onClose={() => setResent(null)}
          size={560}
          onlyByButton={Boolean(resent.link)}
          title={resent.link ? `A new link for ${resent.email}` : `Sent again to ${resent.email}`}
          foot={
            <Button variant="filled" onClick={() => setResent(null)} data-autofocus>
              Done
            </Button>
          }
        >
          {resent.link ? (
            <div style={{ display: "grid", gap: 8 }}>
              <Note tone="warn">
                This installation has no mail server, so the link is yours to pass on. It is shown this once; the one
                before works no longer.
              </Note>
              <CodeToCopy text={resent.link} label="Copy the link" />
            </div>
          ) : (
            <Note tone="good">
              A mail with a new link is on its way to {resent.email}. The one before works no longer.
            </Note>
          )}
        </Dialog>
      )}
    </Section>
  );
}

/** How the link goes to whom it is for, by what the mail server said last. */
function Sent({ invitation }: { invitation: Invitation }) {
  const { mail } = invitation;
  if (invitation.delivery === "link" || !mail)
    return (
      <>
        link made <Time just at={new Date(Date.parse(invitation.expires_at) - LASTS).toISOString()} />
      </>
    );
  return <MailStanding mail={mail} />;
}

function MailStanding({ mail }: { mail: MailState }) {
  const now = useMoment(mail);
  const standing = standingOf(mail, now);
  const since = mail.since;
  if (standing === "sent") return <>sent {since && <Time just at={since} />}</>;
  if (standing === "sending") return "being sent";
  if (standing === "dropped") return "not sent";
  if (standing === "bounced")
    return (
      <span className={css.refused}>
        <IconCircleX size={14} stroke={1.75} aria-hidden /> bounced {since && <Time just at={since} />}:
        <span className={css.said}>{mail.error}</span>
      </span>
    );
  return (
    <span className={css.unsent}>
      <IconAlertTriangle size={14} stroke={1.75} aria-hidden /> waiting for the mail server
      {since && (
        <>
          {" since "}
          <time dateTime={since}>{momentOf(since, now)}</time>
        </>
      )}
      {mail.error && mail.next_try_at && Date.parse(mail.next_try_at) > now && (
        <>
          , tried again <Time at={mail.next_try_at} />
        </>
      )}
      {mail.error && <span className={css.said}>{mail.error}</span>}
    </span>
  );
}

function Expiry({ invitation, sendsMail }: { invitation: Invitation; sendsMail: boolean }) {
  const left = Date.parse(invitation.expires_at) - Date.now();
  if (invitation.status === "expired" || left <= 0)
    return (
      <span className={css.expired}>
        <IconCircleX size={15} stroke={1.75} aria-hidden />
        Expired: {sendsMail ? "resend it" : "make a new link"}
      </span>
    );
  const { mail } = invitation;
  // Nobody has the link: how long it works is nothing to wait for.
  if (mail && ["bounced", "dropped"].includes(standingOf(mail, Date.now())))
    return <span className={css.refused}>Not delivered: resend it</span>;
  const isSoon = left < 2 * DAY;
  return (
    <span
      style={{ display: "inline-flex", gap: 6, alignItems: "center", color: isSoon ? "var(--warn)" : "var(--text2)" }}
    >
      {isSoon && <IconClockHour4 size={15} stroke={1.75} aria-hidden />}
      <span>
        Expires <Time at={invitation.expires_at} />
      </span>
    </span>
  );
}
