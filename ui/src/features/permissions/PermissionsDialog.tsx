import { ActionIcon, Button, Modal, SegmentedControl, Skeleton } from "@mantine/core";
import { IconHelp, IconInfoCircle, IconMinus, IconPlus, IconX } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { setPermissions } from "@/api/generated/stoa";
import type { ActionKey, Member, Permissions } from "@/api/nouns";
import { isCode } from "@/api/problem";
import { useAct, useAllInstances, useAllProjects, useAllServers, usePermissions } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Chip, Failed, Note, PersonAvatar, Time, useFocusBack, usePhone } from "@/kit";
import { ACTIONS, actionOf } from "@/kit/actions";
import { ActionRow } from "./ActionRow";
import { CopyFrom } from "./CopyFrom";
import { addsUpTo, type Change, type Draft, difference, draftOf, LISTS, type Lists, rebased } from "./difference";
import { ExplainDialog } from "./ExplainDialog";
import css from "./permissions.module.css";
import { ResourceList } from "./ResourceList";

const WORDS: Record<Lists, string> = {
  projects: "Allowed projects",
  instances: "Allowed instances",
  servers: "Allowed servers",
};

/** What one member may do: ten switches, three lists, and the difference before it is saved. */
export function PermissionsDialog({ member, onClose }: { member: Member; onClose: () => void }) {
  const workspace = useWorkspace();
  const phone = usePhone();
  const permissions = usePermissions(workspace.slug, member.id);
  const [isExplaining, setExplaining] = useState(false);
  useFocusBack(true);
  const { name, email } = member.account;
  return (
    <Modal opened onClose={onClose} size={1040} padding={0} fullScreen={phone}>
      <div className={css.head}>
        <PersonAvatar name={name} size={phone ? 32 : 38} />
        <div style={{ minWidth: 0 }}>
          <Modal.Title className={css.title}>{phone ? name : `Permissions of ${name}`}</Modal.Title>
          <p>
            {email}
            {member.joined_at && !phone && (
              <>
                {email && ", "}joined <Time at={member.joined_at} />
              </>
            )}
          </p>
        </div>
        <div className={css.headRight}>
          <Button
            variant="subtle"
            leftSection={<IconHelp size={16} stroke={1.75} />}
            onClick={() => setExplaining(true)}
          >
            Why?
          </Button>
          <ActionIcon onClick={onClose} aria-label="Close">
            <IconX size={17} stroke={1.75} />
          </ActionIcon>
        </div>
      </div>
      {permissions.error ? (
        <Failed error={permissions.error} retry={() => void permissions.refetch()} inline />
      ) : permissions.data ? (
        <Editor member={member} saved={permissions.data} permissions={permissions} onClose={onClose} />
      ) : (
        <div style={{ height: 560, padding: 20 }} role="status" aria-label="Loading">
          <Skeleton height={14} width={180} animate={false} />
        </div>
      )}
      {isExplaining && <ExplainDialog member={member} onClose={() => setExplaining(false)} />}
    </Modal>
  );
}

type EditorProps = {
  member: Member;
  saved: Tagged<Permissions>;
  permissions: UseQueryResult<Tagged<Permissions>>;
  onClose: () => void;
};

function Editor({ member, saved, permissions, onClose }: EditorProps) {
  const { slug } = useWorkspace();
  const phone = usePhone();
  const [base, setBase] = useState({ draft: draftOf(saved), etag: saved.etag });
  const [draft, setDraft] = useState<Draft>(base.draft);
  const [wasChanged, setWasChanged] = useState(false);
  const [view, setView] = useState<"actions" | "resources">("actions");
  const offers = {
    projects: useAllProjects(slug),
    instances: useAllInstances(slug),
    servers: useAllServers(slug),
  };
  const changes = difference(base.draft, draft);
  const isSaving = useRef(false);

  // Somebody else saved meanwhile: one's own changes are made again upon theirs, to be looked at and saved.
  useEffect(() => {
    if (saved.etag === base.etag || isSaving.current) return;
    const theirs = draftOf(saved);
    setDraft((mine) => rebased(difference(base.draft, mine), theirs));
    setBase({ draft: theirs, etag: saved.etag });
    setWasChanged(true);
  }, [saved, base]);

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
        if (isCode(problem, "precondition_failed")) void permissions.refetch();
      },
    });
  };
  const isConflict = isCode(save.error, "precondition_failed");

  const nameOf = (list: Lists, id: string) => offers[list].data?.find((one) => one.id === id)?.name ?? "…";
  const toggle = (key: ActionKey, on: boolean) =>
    setDraft((old) => ({ ...old, actions: on ? [...old.actions, key] : old.actions.filter((one) => one !== key) }));
  const changed = (key: ActionKey) =>
    changes.find((change): change is Change & { kind: "action" } => change.kind === "action" && change.key === key);
  const total = LISTS.reduce((sum, list) => sum + draft[list].length, 0);

  return (
    <>
      {(wasChanged || isConflict) && (
        <div className={css.note}>
          <Note tone="warn">
            Somebody changed these permissions meanwhile. Yours were made again on top of that: look at them, then save.
          </Note>
        </div>
      )}
      <CopyFrom member={member} onChoose={(permissions) => setDraft(draftOf(permissions))} />
      {phone && (
        <div className={css.views}>
          <SegmentedControl
            fullWidth
            value={view}
            onChange={(value) => setView(value as typeof view)}
            data={[
              { value: "actions", label: `Actions · ${draft.actions.length} of 10` },
              { value: "resources", label: `Resources · ${total}` },
            ]}
          />
        </div>
      )}
      <div className={css.body}>
        {(!phone || view === "actions") && (
          <section className={css.actions} aria-label="Action Permissions">
            <div className={css.sectionHead}>
              <h3>Action Permissions</h3>
              <span className={`${css.few} numbers`}>{draft.actions.length} of 10</span>
            </div>
            {ACTIONS.map((action) => (
              <ActionRow
                key={action.key}
                action={action}
                isOn={draft.actions.includes(action.key)}
                change={changed(action.key)?.added}
                onChange={(on) => toggle(action.key, on)}
              />
            ))}
          </section>
        )}
        {(!phone || view === "resources") && (
          <section className={css.resources} aria-label="Resource Access">
            <h3>Resource Access</h3>
            <p>
              The switches work on these and no others. The three lists are independent: an allowed project doesn't
              allow its instances.
            </p>
            {LISTS.map((list) => (
              <ResourceList
                key={list}
                label={WORDS[list]}
                offered={offers[list].data}
                error={offers[list].error}
                chosen={draft[list]}
                saved={base.draft[list]}
                onChange={(ids) => setDraft((old) => ({ ...old, [list]: ids }))}
              />
            ))}
            <div className={css.sum} aria-live="polite">
              <strong>
                <IconInfoCircle size={16} stroke={1.75} aria-hidden />
                What this adds up to
              </strong>
              {addsUpTo(draft, nameOf)}
            </div>
          </section>
        )}
      </div>
      <div className={css.foot}>
        <div className={css.changes} aria-live="polite">
          {save.error && !isConflict ? (
            <Note tone="bad">{save.error.detail}</Note>
          ) : changes.length === 0 ? (
            "Nothing changed"
          ) : (
            <>
              <span>Will change</span>
              {changes.slice(0, 40).map((change) => (
                <Chip
                  key={change.kind === "action" ? change.key : change.list + change.id}
                  tone={change.added ? "good" : "bad"}
                >
                  {change.added ? (
                    <IconPlus size={12} aria-label="added" />
                  ) : (
                    <IconMinus size={12} aria-label="taken away" />
                  )}
                  {change.kind === "action" ? actionOf(change.key)?.label : nameOf(change.list, change.id)}
                </Chip>
              ))}
              {changes.length > 40 && <Chip>and {changes.length - 40} more</Chip>}
            </>
          )}
        </div>
        <Button onClick={onClose}>{changes.length ? "Discard" : "Close"}</Button>
        <Button
          variant="filled"
          disabled={changes.length === 0}
          title={changes.length ? undefined : "Change something first"}
          loading={save.isPending}
          onClick={submit}
        >
          {changes.length === 0 ? "Save" : `Save ${changes.length} ${changes.length === 1 ? "change" : "changes"}`}
        </Button>
      </div>
    </>
  );
}
