import { ActionIcon, Button, Modal } from "@mantine/core";
import { IconUsers, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Tagged } from "@/api/client";
import { setPermissionsOfSeveral, viewPermissions } from "@/api/generated";
import type { Member, Permissions } from "@/api/nouns";
import { isCode } from "@/api/problem";
import { useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Failed, LoadingRows, Note, useFocusBack, usePhone } from "@/kit";
import { Changes } from "./Changes";
import { CopyFrom } from "./CopyFrom";
import { type Draft, difference, draftOf } from "./difference";
import { Editor, useNames } from "./Editor";
import { PresetMenu } from "./PresetMenu";
import css from "./permissions.module.css";

const NOTHING: Draft = { actions: [], projects: [], instances: [], servers: [], until: {} };
/** Questions that are under way at once. */
const AT_ONCE = 6;
/** Members whose difference is told one by one. */
const TOLD = 12;

type Loaded = Map<string, Tagged<Permissions>>;

async function loadAll(slug: string, ids: string[], signal: AbortSignal): Promise<Loaded> {
  const loaded: Loaded = new Map();
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id; id = waiting.shift())
      loaded.set(id, (await viewPermissions(slug, id, { signal })) as Tagged<Permissions>);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return loaded;
}

/** The same profile for several members at once: all of them, or none. */
export function SeveralDialog({
  members,
  onClose,
  onDone,
}: {
  members: Member[];
  onClose: () => void;
  onDone: () => void;
}) {
  const { slug } = useWorkspace();
  const phone = usePhone();
  useFocusBack(true);
  const ids = members.map(({ id }) => id);
  const profiles = useQuery({
    queryKey: [slug, "permissions", "several", ids],
    gcTime: 0,
    queryFn: ({ signal }) => loadAll(slug, ids, signal),
  });
  return (
    <Modal opened onClose={onClose} size={1040} padding={0} fullScreen={phone}>
      <div className={css.head}>
        <span className={css.headIcon}>
          <IconUsers size={20} stroke={1.75} aria-hidden />
        </span>
        <div className={css.headText}>
          <Modal.Title className={css.title}>Permissions of {members.length} members</Modal.Title>
          <p>
            {members
              .slice(0, 4)
              .map(({ account }) => account.name)
              .join(", ")}
            {members.length > 4 && ` and ${members.length - 4} more`}
          </p>
        </div>
        <div className={css.headRight}>
          <ActionIcon size={phone ? 40 : 32} onClick={onClose} aria-label="Close">
            <IconX size={17} stroke={1.75} />
          </ActionIcon>
        </div>
      </div>
      {profiles.error ? (
        <Failed error={profiles.error} retry={() => void profiles.refetch()} inline />
      ) : profiles.data ? (
        <Together
          members={members}
          loaded={profiles.data}
          again={() => void profiles.refetch()}
          onClose={onClose}
          onDone={onDone}
        />
      ) : (
        <div style={{ padding: 20, minHeight: 480 }}>
          <LoadingRows rows={8} />
        </div>
      )}
    </Modal>
  );
}

type TogetherProps = {
  members: Member[];
  loaded: Loaded;
  again: () => void;
  onClose: () => void;
  onDone: () => void;
};

function Together({ members, loaded, again, onClose, onDone }: TogetherProps) {
  const { slug } = useWorkspace();
  const nameOf = useNames();
  const [draft, setDraft] = useState<Draft>(NOTHING);
  const [told, setTold] = useState<string | null>(null);
  const [isWhole, setWhole] = useState(false);
  const each = members.map((member) => {
    const saved = loaded.get(member.id);
    return { member, etag: saved?.etag, changes: saved ? difference(draftOf(saved), draft) : [] };
  });
  const changed = each.filter(({ changes }) => changes.length > 0);
  const total = changed.reduce((sum, { changes }) => sum + changes.length, 0);
  const save = useAct<void>(slug, {
    act: () =>
      setPermissionsOfSeveral(slug, {
        members: each.map(({ member, etag }) => ({ id: member.id, ...(etag && { etag }) })),
        ...draft,
      }),
    nouns: ["members", "permissions"],
    onDone,
  });
  const isConflict = isCode(save.error, "precondition_failed");
  return (
    <>
      <Editor
        draft={draft}
        base={NOTHING}
        changes={[]}
        onChange={(next) => {
          setTold(null);
          setDraft(next);
        }}
        tools={
          <>
            <PresetMenu
              told={told}
              actions={draft.actions}
              onChoose={(name, actions) => {
                setTold(name);
                setDraft((old) => ({ ...old, actions }));
              }}
            />
            <CopyFrom but={[]} onChoose={(permissions) => setDraft(draftOf(permissions))} />
            <span className={css.hint}>What is set here replaces all that each of them may do now.</span>
          </>
        }
      />
      <div className={css.perMember} aria-live="polite">
        <h3>What changes for whom</h3>
        <ul>
          {(isWhole ? each : each.slice(0, TOLD)).map(({ member, changes }) => (
            <li key={member.id}>
              <span className={css.who}>{member.account.name}</span>
              <span className={css.changes}>
                {changes.length ? <Changes changes={changes} nameOf={nameOf} most={14} /> : "Nothing changes"}
              </span>
            </li>
          ))}
        </ul>
        {!isWhole && each.length > TOLD && (
          <Button variant="transparent" onClick={() => setWhole(true)}>
            Show the other {each.length - TOLD}
          </Button>
        )}
      </div>
      <div className={css.foot}>
        <div className={css.changes} aria-live="polite">
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
          ) : save.error ? (
            <Note tone="bad">{save.error.errors[0]?.detail ?? save.error.detail}</Note>
          ) : total === 0 ? (
            "Nothing changes"
          ) : (
            `${total} ${total === 1 ? "change" : "changes"} for ${changed.length} of ${members.length} members`
          )}
        </div>
        <Button onClick={onClose}>Discard</Button>
        <Button
          variant="filled"
          disabled={total === 0}
          title={total === 0 ? "Change something first" : undefined}
          loading={save.isPending}
          onClick={() => save.mutate()}
        >
          Set for {members.length} members
        </Button>
      </div>
    </>
  );
}
