import { Button } from "@mantine/core";
import { IconAlertTriangle, IconChevronDown, IconChevronUp, IconMinus, IconUsers } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import type { Tagged } from "@/api/client";
import { setPermissionsOfSeveral, viewPermissions } from "@/api/generated";
import type { Member, Permissions } from "@/api/nouns";
import { isCode, type Problem, problemOf } from "@/api/problem";
import { useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Chip, Failed, LoadingRows, Note, notice } from "@/kit";
import { BeginWith } from "./BeginWith";
import { Changes, Sums } from "./Changes";
import { type Change, changesIn, type Draft, difference, draftOf } from "./difference";
import { Editor, useNames } from "./Editor";
import { grantedIn, type NameOf } from "./ends";
import { goneIn, leftOut } from "./leftOut";
import { NotLoaded } from "./NotLoaded";
import type { Near } from "./near";
import { type OnHeld, ProfileDialog, ProfileFoot } from "./ProfileDialog";
import css from "./permissions.module.css";

const NOTHING: Draft = { actions: [], projects: [], instances: [], servers: [], until: {} };
/** Questions that are under way at once. */
const AT_ONCE = 6;
/** Members whose difference is told one by one. */
const TOLD = 12;

const counted = ({ length }: Member[]) => (length === 1 ? "one member" : `${length} members`);

type Loaded = Map<string, Tagged<Permissions>>;

async function loadAll(slug: string, ids: string[], signal: AbortSignal): Promise<Loaded> {
  const loaded: Loaded = new Map();
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id; id = waiting.shift())
      try {
        loaded.set(id, (await viewPermissions(slug, id, { signal })) as Tagged<Permissions>);
      } catch (failure) {
        // Whoever isn't a member any more has nothing to be set: the others have.
        if (!isCode(failure, "not_found")) throw failure;
      }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return loaded;
}

type SeveralProps = {
  /** Those who are chosen. Who isn't any more while this is open is no member any more, or an owner. */
  members: Member[];
  /** Told of those who turn out to be no members any more. */
  onGone: (ids: string[]) => void;
  onClose: () => void;
  onDone: () => void;
};

/** The same profile for several members at once: all of them, or none. */
export function SeveralDialog({ members, onGone, onClose, onDone }: SeveralProps) {
  const { slug } = useWorkspace();
  const [chosen] = useState(members);
  const of = counted(members);
  const left = chosen.filter(({ id }) => !members.some((one) => one.id === id));
  const ids = chosen.map(({ id }) => id);
  // Outside of what events ask anew: the tags are those of what is shown, so that nobody's later work is overwritten.
  const profiles = useQuery({
    queryKey: ["profiles-of-several", ids],
    gcTime: 0,
    queryFn: ({ signal }) => loadAll(slug, ids, signal),
  });
  const { data } = profiles;
  useEffect(() => {
    const gone = data ? members.filter(({ id }) => !data.has(id)).map(({ id }) => id) : [];
    if (gone.length > 0) onGone(gone);
  }, [data, members, onGone]);
  return (
    <ProfileDialog
      tile={
        <span className={css.headIcon}>
          <IconUsers size={20} stroke={1.75} aria-hidden />
        </span>
      }
      title={`Permissions of ${of}`}
      sentence={
        <p>
          {members
            .slice(0, 4)
            .map(({ account }) => account.name)
            .join(", ")}
          {members.length > 4 && ` and ${members.length - 4} more`}
        </p>
      }
      unsaved={`What you set for ${of} isn't saved.`}
      onClose={onClose}
    >
      {(onHeld) =>
        profiles.data ? (
          <Together
            members={members}
            left={left}
            onGone={onGone}
            loaded={profiles.data}
            problem={profiles.error && problemOf(profiles.error)}
            isLoading={profiles.isFetching}
            again={() => void profiles.refetch()}
            onHeld={onHeld}
            onClose={onClose}
            onDone={onDone}
          />
        ) : profiles.error ? (
          <Failed error={profiles.error} retry={() => void profiles.refetch()} inline />
        ) : (
          <div style={{ padding: 20, minHeight: 480 }}>
            <LoadingRows rows={8} />
          </div>
        )
      }
    </ProfileDialog>
  );
}

type TogetherProps = {
  members: Member[];
  /** Whom it isn't set for any more. */
  left: Member[];
  onGone: (ids: string[]) => void;
  loaded: Loaded;
  /** Why they couldn't be loaded anew. */
  problem: Problem | null;
  isLoading: boolean;
  again: () => void;
  onHeld: OnHeld;
  onClose: () => void;
  onDone: () => void;
};

function Together({
  members,
  left,
  onGone,
  loaded,
  problem,
  isLoading,
  again,
  onHeld,
  onClose,
  onDone,
}: TogetherProps) {
  const { slug } = useWorkspace();
  const nameOf = useNames();
  const panel = useId();
  const [draft, setDraft] = useState<Draft>(NOTHING);
  // Until something is chosen nothing is meant: an empty form would take everything away.
  const [isMeant, setMeant] = useState(false);
  const [near, setNear] = useState<Near | null>(null);
  const [isTelling, setTelling] = useState(false);
  const set = (next: Draft) => {
    setMeant(true);
    setDraft(next);
  };
  const each = members.map((member) => {
    const saved = loaded.get(member.id);
    return { member, etag: saved?.etag, changes: saved && isMeant ? difference(draftOf(saved), draft) : [] };
  });
  const changed = each.filter(({ changes }) => changes.length > 0);
  const total = changed.reduce((sum, { changes }) => sum + changes.length, 0);
  const save = useAct<{ id: string; etag?: string }[]>(slug, {
    act: (members) => setPermissionsOfSeveral(slug, { members, ...draft }),
    nouns: ["members", "permissions"],
    onDone: () => {
      void notice(`The permissions of ${counted(members)} are set: ${changesIn(total)}.`);
      onDone();
    },
  });
  const submit = () => {
    const sent = each.map(({ member, etag }) => ({ id: member.id, ...(etag && { etag }) }));
    save.mutate(sent, {
      onError: (problem) => {
        const gone = goneIn(problem, sent);
        if (gone.length === 0) return;
        onGone(gone);
        save.reset();
      },
    });
  };
  const isConflict = isCode(save.error, "precondition_failed");
  return (
    <>
      {left.length > 0 && (
        <div className={css.note}>
          <Note tone="warn">{leftOut(left, members.length)}</Note>
        </div>
      )}
      <Editor
        draft={draft}
        base={NOTHING}
        changes={[]}
        onChange={set}
        tools={
          <>
            <BeginWith
              draft={draft}
              near={near}
              but={[]}
              onChoose={(chosen, near) => {
                setNear(near);
                set(chosen);
              }}
            />
            <span className={css.hint}>What is set here replaces all that each of them may do now.</span>
          </>
        }
      />
      <div className={css.together}>
        {isTelling && total > 0 && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys have to reach it
          <section className={css.perMember} id={panel} tabIndex={0} aria-label="What changes for whom">
            <PerMember each={each} nameOf={nameOf} />
          </section>
        )}
        <ProfileFoot
          changes={total}
          isSaving={save.isPending}
          why={
            members.length === 0
              ? "Nobody is left to set them for"
              : problem || isLoading
                ? "What they may do now isn't loaded"
                : total > 0
                  ? undefined
                  : isMeant
                    ? "Nothing changes"
                    : "Choose something first"
          }
          onHeld={onHeld}
          onClose={onClose}
          onSave={submit}
        >
          {isConflict ? (
            <Note tone="warn">
              Somebody changed one of these members meanwhile, and nothing was saved.{" "}
              <Button
                variant="transparent"
                onClick={() => {
                  save.reset();
                  again();
                }}
              >
                Load them anew, and keep what is set here
              </Button>
            </Note>
          ) : problem ? (
            <NotLoaded error={problem} again={again} />
          ) : save.error ? (
            <Note tone="bad">{save.error.errors[0]?.detail ?? save.error.detail}</Note>
          ) : !isMeant ? (
            <>
              Nothing is chosen yet
              <button type="button" className={css.many} onClick={() => setMeant(true)}>
                <IconMinus size={13} stroke={1.75} aria-hidden />
                Take everything away
              </button>
            </>
          ) : total === 0 ? (
            "Nothing changes"
          ) : (
            <>
              <span>
                Will change for {changed.length} of {members.length}
              </span>
              <button
                type="button"
                className={css.many}
                aria-expanded={isTelling}
                aria-controls={panel}
                onClick={() => setTelling(!isTelling)}
              >
                What changes for whom
                {isTelling ? (
                  <IconChevronDown size={13} stroke={1.75} aria-hidden />
                ) : (
                  <IconChevronUp size={13} stroke={1.75} aria-hidden />
                )}
              </button>
              {grantedIn(draft).length === 0 && (
                <Chip tone="bad">
                  <IconAlertTriangle size={12} aria-hidden />
                  Takes everything away
                </Chip>
              )}
              <Sums each={changed.map(({ changes }) => changes)} />
            </>
          )}
        </ProfileFoot>
      </div>
    </>
  );
}

type PerMemberProps = {
  each: { member: Member; changes: Change[] }[];
  nameOf: NameOf;
};

function PerMember({ each, nameOf }: PerMemberProps) {
  const [isWhole, setWhole] = useState(false);
  return (
    <>
      <ul>
        {(isWhole ? each : each.slice(0, TOLD)).map(({ member, changes }) => (
          <li key={member.id}>
            <span className={css.who} title={member.account.name}>
              {member.account.name}
            </span>
            <span className={css.changes}>
              {changes.length ? <Changes changes={changes} nameOf={nameOf} /> : "Nothing changes"}
            </span>
          </li>
        ))}
      </ul>
      {!isWhole && each.length > TOLD && (
        <Button variant="transparent" onClick={() => setWhole(true)}>
          Show the other {each.length - TOLD}
        </Button>
      )}
    </>
  );
}
