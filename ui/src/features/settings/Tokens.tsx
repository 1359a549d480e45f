import { Button, MultiSelect, Select, TextInput } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useLocation } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTokens } from "@/api/accountQueries";
import { type ActionKey, createToken, deleteToken } from "@/api/generated";
import type { AccessToken } from "@/api/nouns";
import type { Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { useIsUnproved } from "@/features/session/useWays";
import {
  CodeToCopy,
  ConfirmDialog,
  Dialog,
  Empty,
  Failed,
  Go,
  LoadingRows,
  More,
  Note,
  PageTitle,
  Panel,
  Time,
} from "@/kit";
import { ACTIONS, actionOf } from "@/kit/actions";
import css from "./settings.module.css";
import { GIVEN_UP, useConfirmed } from "./useConfirmed";

const refreshTokens = () => queryClient.invalidateQueries({ queryKey: [...ME, "tokens"] });

export function Tokens() {
  const tokens = useTokens();
  const { confirmed, dialog } = useConfirmed();
  const [isCreating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<AccessToken | null>(null);
  const remove = useMutation<unknown, Problem, AccessToken>({
    mutationFn: ({ id }) => confirmed(() => deleteToken(id)),
    onSuccess: () => {
      setDeleting(null);
      return refreshTokens();
    },
  });
  const items = tokens.items;
  const { pathname } = useLocation();
  const profile = pathname.replace(/tokens$/, "profile");
  const isUnproved = useIsUnproved();
  const again = useRef<HTMLButtonElement>(null);
  const create = (
    <Button
      ref={again}
      variant="filled"
      leftSection={<IconPlus size={16} stroke={1.75} />}
      onClick={() => setCreating(true)}
    >
      Create a token
    </Button>
  );
  return (
    <>
      <PageTitle
        title="Access tokens"
        sentence="A token lets git or a script act for you. It never has more than you have."
        actions={items && items.length > 0 && create}
      />
      {isUnproved && (
        <div style={{ marginBottom: 16 }}>
          <Note tone="warn">
            Confirm your e-mail address first, under <Go to={profile}>Profile</Go>. Confirming it later deletes the
            tokens made before.
          </Note>
        </div>
      )}
      {tokens.error ? (
        <Failed error={tokens.error} retry={() => void tokens.refetch()} inline />
      ) : !items ? (
        <LoadingRows rows={2} height={60} />
      ) : (
        <Panel>
          {items.length === 0 && (
            <Empty icon={IconKey} title="No token yet" action={create} inline>
              Git asks for one as the password when you push to a repository of Stoa.
            </Empty>
          )}
          {items.map((token) => (
            <div key={token.id} className={css.line}>
              <IconKey size={18} stroke={1.75} aria-hidden />
              <div className={css.grow}>
                <div className={css.strong}>
                  {token.name} <code style={{ color: "var(--text2)" }}>…{token.last4}</code>
                </div>
                <div className={css.small}>
                  <Narrowed token={token} />
                  {token.expires_at ? (
                    <>
                      , ends <Time at={token.expires_at} />
                    </>
                  ) : (
                    ", without an end"
                  )}
                  ,{" "}
                  {token.last_used_at ? (
                    <>
                      last used <Time at={token.last_used_at} />
                    </>
                  ) : (
                    "never used"
                  )}
                </div>
              </div>
              <Button onClick={() => setDeleting(token)} aria-label={`Delete ${token.name}`}>
                Delete
              </Button>
            </div>
          ))}
          <More {...tokens} />
        </Panel>
      )}
      {isCreating && (
        <CreateToken
          confirmed={confirmed}
          onClose={() => {
            setCreating(false);
            // With the first token the button that opened this has gone elsewhere.
            setTimeout(() => again.current?.focus());
          }}
        />
      )}
      {deleting && (
        <ConfirmDialog
          opened
          onClose={() => setDeleting(null)}
          title={`Delete the token ${deleting.name}?`}
          action="Delete the token"
          busy={remove.isPending}
          problem={remove.error?.code === GIVEN_UP ? null : remove.error}
          onConfirm={() => remove.mutate(deleting)}
        >
          Whatever uses it is refused at once.
        </ConfirmDialog>
      )}
      {dialog}
    </>
  );
}

function Narrowed({ token }: { token: AccessToken }) {
  const me = useMe();
  const names = token.workspaces?.map((id) => me.data?.workspaces.find((one) => one.id === id)?.name ?? "another");
  const where = names ? (names.length ? `In ${names.join(", ")}` : "In no workspace") : "In all my workspaces";
  const what = token.actions
    ? token.actions.length
      ? `only ${token.actions.map((key) => actionOf(key)?.label ?? key).join(", ")}`
      : "no action"
    : "all that I may do";
  return (
    <>
      {where}, {what}
    </>
  );
}

const ENDS = [
  { value: "7", label: "In 7 days" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
  { value: "date", label: "On a day that I choose" },
  { value: "never", label: "Never" },
];

/** A chosen day counts whole, where the reader is. */
function endOf(ends: string, day: string): string {
  const at = ends === "date" ? new Date(`${day}T23:59:59`) : new Date(Date.now() + Number(ends) * 86_400_000);
  return at.toISOString();
}

type CreateProps = { confirmed: <T>(act: () => Promise<T>) => Promise<T>; onClose: () => void };

function CreateToken({ confirmed, onClose }: CreateProps) {
  const me = useMe();
  const [name, setName] = useState("");
  const [ends, setEnds] = useState("90");
  const [day, setDay] = useState("");
  const [workspaces, setWorkspaces] = useState<string[]>([]);
  const [actions, setActions] = useState<ActionKey[]>([]);
  const create = useMutation<AccessToken, Problem>({
    mutationFn: () => {
      const body = {
        name: name.trim(),
        ...(ends !== "never" && { expires_at: endOf(ends, day) }),
        ...(workspaces.length > 0 && { workspaces }),
        ...(actions.length > 0 && { actions }),
      };
      return confirmed(() => createToken(body));
    },
    onSuccess: () => refreshTokens(),
  });
  if (create.data?.token)
    return (
      <Dialog
        opened
        onlyByButton
        onClose={onClose}
        size={560}
        title="The token is made"
        sentence="It is shown this once. Copy it to where it's used."
        foot={
          <Button variant="filled" onClick={onClose}>
            I have copied it
          </Button>
        }
      >
        <div style={{ display: "grid", gap: 12 }}>
          <CodeToCopy text={create.data.token} label="Copy the token" />
          <div className={css.small}>
            Git asks for a user name, which may be anything, and a password, which is this.
          </div>
        </div>
      </Dialog>
    );
  const error = create.error?.code === GIVEN_UP ? null : create.error;
  const ready = name.trim().length > 0 && (ends !== "date" || day !== "");
  return (
    <Dialog
      opened
      onClose={onClose}
      size={560}
      unsaved={name.trim() !== "" || workspaces.length > 0 || actions.length > 0}
      title="Create a token"
      sentence="It can be narrowed. It never has more than you have, and can't change your account."
      onSubmit={() => ready && create.mutate()}
      foot={
        <>
          {!ready && <span className={css.yet}>{name.trim() ? "Choose the day first" : "Give it a name first"}</span>}
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="filled" loading={create.isPending} disabled={!ready}>
            Create the token
          </Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16 }}>
        <TextInput
          label="Name"
          description="What it's for: the machine or the script that uses it."
          inputWrapperOrder={["label", "input", "error", "description"]}
          maxLength={80}
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={error?.field("name")}
          data-autofocus
        />
        <Select label="Ends" data={ENDS} value={ends} onChange={(value) => setEnds(value ?? "90")} />
        {ends === "date" && (
          <TextInput
            type="date"
            label="Last day"
            min={new Date().toISOString().slice(0, 10)}
            required
            withAsterisk={false}
            value={day}
            onChange={(event) => setDay(event.currentTarget.value)}
            error={error?.field("expires_at")}
          />
        )}
        <MultiSelect
          label="Workspaces"
          placeholder={workspaces.length ? "" : "All of mine"}
          data={(me.data?.workspaces ?? []).map((one) => ({ value: one.id, label: one.name }))}
          value={workspaces}
          onChange={setWorkspaces}
          searchable
        />
        <MultiSelect
          label="Actions"
          description="Narrowed to actions, it is never an owner's: pushing needs View projects and Web IDE."
          inputWrapperOrder={["label", "input", "error", "description"]}
          placeholder={actions.length ? "" : "All that I may do"}
          data={ACTIONS.map(({ key, label }) => ({ value: key, label }))}
          value={actions}
          onChange={setActions}
          searchable
        />
        {error && error.errors.length === 0 && <Note tone="bad">{error.detail}</Note>}
      </div>
    </Dialog>
  );
}
