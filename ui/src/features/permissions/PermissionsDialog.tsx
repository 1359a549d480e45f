import { ActionIcon, Button, Skeleton } from "@mantine/core";
import { IconEye, IconHelp } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { call, ifMatch, type Tagged } from "@/api/client";
import { type AuditPage, getListAuditUrl, setPermissions, viewMember } from "@/api/generated";
import { usePermissions } from "@/api/memberQueries";
import type { Member, Permissions } from "@/api/nouns";
import { isCode } from "@/api/problem";
import { useAct, useObject } from "@/api/queries";
import { viewAs } from "@/api/viewing";
import { DescribeField } from "@/features/ai/DescribeField";
import describe from "@/features/ai/describe.module.css";
import { ProfileProposal } from "@/features/ai/ProfileProposal";
import { Unusual } from "@/features/members/Unusual";
import { useWorkspace } from "@/frame/useWorkspace";
import { Failed, Note, PersonAvatar, Time, usePhone } from "@/kit";
import { BeginWith } from "./BeginWith";
import { Changes } from "./Changes";
import { type Draft, difference, draftOf, proposed, rebased } from "./difference";
import { Editor, useNames } from "./Editor";
import { ExplainDialog } from "./ExplainDialog";
import type { Near } from "./near";
import { type OnHeld, ProfileDialog, ProfileFoot } from "./ProfileDialog";
import css from "./permissions.module.css";

/** What one member may do: ten switches, three lists, and the difference before it is saved. */
export function PermissionsDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const workspace = useWorkspace();
  const phone = usePhone();
  const permissions = usePermissions(workspace.slug, member.id);
  const end = useEnd(member);
  const [isExplaining, setExplaining] = useState(false);
  const { name, email } = member.account;
  const explain = () => setExplaining(true);
  const look = () => viewAs({ member: member.id, name, workspace: workspace.slug });
  return (
    <ProfileDialog
      tile={<PersonAvatar name={name} size={phone ? 32 : 38} />}
      title={phone ? name : `Permissions of ${name}`}
      sentence={
        <>
          <p title={email}>
            {phone ? `Member of ${workspace.name}` : email}
            {member.joined_at && !phone && (
              <>
                {email && ", "}joined <Time just at={member.joined_at} />
              </>
            )}
          </p>
          {email && <Unusual email={email} />}
        </>
      }
      actions={(leave) =>
        end ? null : phone ? (
          <>
            <ActionIcon size={40} onClick={explain} aria-label="Why?">
              <IconHelp size={18} stroke={1.75} />
            </ActionIcon>
            <ActionIcon size={40} onClick={() => leave(look)} aria-label="View as this member">
              <IconEye size={18} stroke={1.75} />
            </ActionIcon>
          </>
        ) : (
          <>
            <Button variant="subtle" leftSection={<IconHelp size={16} stroke={1.75} />} onClick={explain}>
              Why?
            </Button>
            <Button leftSection={<IconEye size={16} stroke={1.75} />} onClick={() => leave(look)}>
              View as this member
            </Button>
          </>
        )
      }
      unsaved={`What you changed in the permissions of ${name} isn't saved.`}
      onClose={onClose}
    >
      {(onHeld) => (
        <>
          {end ? (
            <Ended onHeld={onHeld} onClose={onClose}>
              {end}
            </Ended>
          ) : permissions.data ? (
            <Profile
              member={member}
              saved={permissions.data}
              refetch={() => void permissions.refetch()}
              onHeld={onHeld}
              onClose={onClose}
            />
          ) : permissions.error ? (
            <Failed error={permissions.error} retry={() => void permissions.refetch()} inline />
          ) : (
            <div style={{ height: 560, padding: 20 }} role="status" aria-label="Loading">
              <Skeleton height={14} width={180} animate={false} />
            </div>
          )}
          {isExplaining && !end && <ExplainDialog member={member} onClose={() => setExplaining(false)} />}
        </>
      )}
    </ProfileDialog>
  );
}

/** Why there is nothing to set for a member any more: somebody else has made them an owner, or removed them. */
function useEnd(member: Member): string | null {
  const { slug, name } = useWorkspace();
  const now = useObject(
    slug,
    "members",
    `/members/${member.id}`,
    (init) => viewMember(slug, member.id, init),
    true,
    false,
  );
  if (isCode(now.error, "not_found")) return `${member.account.name} isn't a member of ${name} any more.`;
  if (now.data?.role !== "owner") return null;
  return `${member.account.name} is an owner now, and may do everything: there are no permissions to set.`;
}

/** In place of the form: what was changed in it can't be saved for anybody. */
function Ended({ onHeld, onClose, children }: { onHeld: OnHeld; onClose: () => void; children: string }) {
  useEffect(() => onHeld({ changes: 0, isSaving: false }), [onHeld]);
  return (
    <>
      <div className={css.note} role="status">
        <Note tone="warn">{children}</Note>
      </div>
      <div className={css.foot}>
        <div className={css.changes} />
        <Button data-autofocus onClick={onClose}>
          Close
        </Button>
      </div>
    </>
  );
}

type ProfileProps = {
  member: Member;
  saved: Tagged<Permissions>;
  refetch: () => void;
  onHeld: OnHeld;
  onClose: () => void;
};

function Profile({ member, saved, refetch, onHeld, onClose }: ProfileProps) {
  const { slug } = useWorkspace();
  const nameOf = useNames();
  const [base, setBase] = useState({ draft: draftOf(saved), etag: saved.etag });
  const [draft, setDraft] = useState<Draft>(base.draft);
  const [near, setNear] = useState<Near | null>(() => {
    const preset = member.summary?.preset;
    return preset ? { name: preset.name, actions: base.draft.actions, isChanged: preset.changed } : null;
  });
  const [asked, setAsked] = useState<{ sentence: string; turn: number } | null>(null);
  /** What was switched when a proposal came: it can be had back. */
  const [before, setBefore] = useState<Draft | null>(null);
  const changes = difference(base.draft, draft);
  const isSaving = useRef(false);
  // Somebody else has saved meanwhile: nothing of either is lost until it is said whose counts.
  const theirs = saved.etag !== base.etag && !isSaving.current ? draftOf(saved) : null;
  const isUntouched = changes.length === 0;
  useEffect(() => {
    if (!theirs || !isUntouched) return;
    setBase({ draft: theirs, etag: saved.etag });
    setDraft(theirs);
    // Which preset theirs comes near to isn't known.
    setNear(null);
  }, [theirs, isUntouched, saved.etag]);

  const save = useAct<void, Permissions>(slug, {
    act: () => setPermissions(slug, member.id, draft, ifMatch(base.etag)),
    nouns: ["members", "permissions"],
    onDone: onClose,
  });
  const submit = () => {
    isSaving.current = true;
    save.mutate(undefined, {
      onError: (problem) => {
        isSaving.current = false;
        if (isCode(problem, "precondition_failed")) refetch();
      },
    });
  };
  const isConflict = isCode(save.error, "precondition_failed");
  const take = (mine: boolean) => {
    if (!theirs) return;
    setDraft(mine ? rebased(changes, theirs) : theirs);
    setBase({ draft: theirs, etag: saved.etag });
    setNear(null);
    save.reset();
  };
  return (
    <>
      {theirs && !isUntouched && (
        <Meanwhile member={member}>
          <div className={css.changes}>
            <Changes changes={difference(base.draft, theirs)} nameOf={nameOf} />
          </div>
          <div className={css.choices}>
            <Button size="xs" onClick={() => take(true)}>
              Keep my changes on top
            </Button>
            <Button size="xs" variant="subtle" onClick={() => take(false)}>
              Drop mine
            </Button>
          </div>
        </Meanwhile>
      )}
      <Editor
        draft={draft}
        base={base.draft}
        changes={changes}
        onChange={setDraft}
        tools={
          <>
            <BeginWith
              draft={draft}
              near={near}
              but={[member.id]}
              onChoose={(chosen, near) => {
                setNear(near);
                setDraft(chosen);
              }}
            />
            <DescribeField
              onAsk={(sentence) => {
                setBefore(null);
                setAsked({ sentence, turn: (asked?.turn ?? 0) + 1 });
              }}
            />
            {asked && (
              <div className={describe.proposal}>
                <ProfileProposal
                  key={asked.turn}
                  workspace={slug}
                  sentence={asked.sentence}
                  onProposed={(profile) => {
                    setBefore(draft);
                    setNear(null);
                    setDraft(proposed(draft, profile));
                  }}
                  onBack={
                    before &&
                    (() => {
                      setDraft(before);
                      setBefore(null);
                    })
                  }
                  onClose={() => setAsked(null)}
                />
              </div>
            )}
          </>
        }
      />
      <ProfileFoot
        changes={changes.length}
        isSaving={save.isPending}
        why={changes.length === 0 ? "Change something first" : theirs ? "Say first whose changes count" : undefined}
        onHeld={onHeld}
        onClose={onClose}
        onSave={submit}
      >
        {save.error && !isConflict ? (
          <Note tone="bad">{save.error.errors[0]?.detail ?? save.error.detail}</Note>
        ) : changes.length === 0 ? (
          "Nothing changed"
        ) : (
          <>
            <span>Will change</span>
            <Changes changes={changes} nameOf={nameOf} />
          </>
        )}
      </ProfileFoot>
    </>
  );
}

/** Says who has changed the profile while this dialog was open, and what. */
function Meanwhile({ member, children }: { member: Member; children: React.ReactNode }) {
  const { slug } = useWorkspace();
  const who = useQuery({
    queryKey: [slug, "audit", "who-changed", member.id],
    gcTime: 0,
    queryFn: ({ signal }) => call<AuditPage>(getListAuditUrl(slug, { resource: member.id, limit: 5 }), { signal }),
    select: ({ items }) => items.find((event) => event.outcome === "done")?.actor_name,
  });
  return (
    <div className={css.note}>
      <Note tone="warn">
        <strong>{who.data ?? "Somebody"} changed these permissions meanwhile.</strong> What changed since you opened
        them:
        {children}
      </Note>
    </div>
  );
}
