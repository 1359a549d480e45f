import { PasswordInput, TextInput } from "@mantine/core";
import type { Problem } from "@/api/problem";
import { isBySsh } from "./address";

export type RemoteDraft = { url: string; token: string; user: string };

export const NOTHING: RemoteDraft = { url: "", token: "", user: "" };

/** What helps stands below the field, as everywhere. */
const ORDER: ("label" | "input" | "error" | "description")[] = ["label", "input", "error", "description"];

/** What the API takes of a token; nothing where none was given, or none belongs to the address. */
export const credentialOf = ({ url, token, user }: RemoteDraft) =>
  token && !isBySsh(url) ? { credential: { token, ...(user.trim() && { user: user.trim() }) } } : {};

/** Where a repository is, and by what it is opened: a token by HTTPS, a key that Stoa makes by ssh. */
export function RemoteFields(props: {
  draft: RemoteDraft;
  onChange: (draft: RemoteDraft) => void;
  problem?: Problem | null;
  /** What fields are called in a problem: `repository.` of a new project, nothing of one that is there. */
  below?: string;
  tokenIsSet?: boolean;
  focused?: boolean;
}) {
  const { draft, onChange, problem, below = "" } = props;
  const set = (change: Partial<RemoteDraft>) => onChange({ ...draft, ...change });
  const bySsh = isBySsh(draft.url);
  return (
    <>
      <TextInput
        label="Repository URL"
        placeholder="git@git.example.com:team/app.git"
        inputWrapperOrder={ORDER}
        description={
          bySsh
            ? "Stoa makes a deploy key for it, which you then add there."
            : "By HTTPS, with a token where it isn't public, or by SSH."
        }
        value={draft.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
        error={problem?.field(`${below}url`)}
        maxLength={500}
        spellCheck={false}
        autoCapitalize="off"
        {...(props.focused && { "data-autofocus": true })}
      />
      {!bySsh && draft.url.trim() !== "" && (
        <>
          <PasswordInput
            label="Token"
            placeholder={props.tokenIsSet ? "Kept" : "None: a public repository"}
            inputWrapperOrder={ORDER}
            description="Kept sealed, and never shown again. Reading is enough to deploy; merging needs writing."
            value={draft.token}
            onChange={(event) => set({ token: event.currentTarget.value })}
            error={problem?.field(`${below}credential.token`) ?? problem?.field(`${below}credential`)}
            autoComplete="off"
          />
          {draft.token && (
            <TextInput
              label="User name with the token"
              placeholder="git"
              inputWrapperOrder={ORDER}
              description="Most hosts take any."
              value={draft.user}
              onChange={(event) => set({ user: event.currentTarget.value })}
              error={problem?.field(`${below}credential.user`)}
              autoComplete="off"
            />
          )}
        </>
      )}
    </>
  );
}
