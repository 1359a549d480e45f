import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { useContext } from "react";
import { explainPermission } from "@/api/generated";
import { useOwners } from "@/api/memberQueries";
import { problemOf } from "@/api/problem";
import { useMe } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { type About, Dialog, Note } from "@/kit";
import { WorkspaceContext } from "@/kit/workspaceContext";
import { addressed, readable } from "./addressed";
import { NotLoaded } from "./NotLoaded";
import css from "./permissions.module.css";

type Props = {
  /** Asks about something else. */
  onOther?: () => void;
  onClose: () => void;
};

/** Why there is nothing at the address that was opened: what can be said of it to whoever asks. */
export function MissingDialog({ onOther, onClose }: Props) {
  const { pathname } = useLocation();
  const workspace = useContext(WorkspaceContext);
  return (
    <Dialog
      opened
      onClose={onClose}
      title="Why is there nothing here?"
      size={560}
      foot={
        <>
          {onOther && <Button onClick={onOther}>Ask about something else</Button>}
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <div style={{ display: "grid", gap: 16, minHeight: 96, alignContent: "start" }} aria-live="polite">
        {workspace ? (
          <Within
            slug={workspace.slug}
            name={workspace.name}
            member={workspace.member_id}
            isOwner={workspace.may.includes("manage")}
            about={addressed(pathname)}
          />
        ) : (
          <Outside slug={readable(pathname.split("/")[1] ?? "")} />
        )}
      </div>
    </Dialog>
  );
}

function NoPage() {
  return (
    <Note tone="bad">
      <strong>No page.</strong> Nothing was refused: no page of Stoa has this address, whoever asks.
    </Note>
  );
}

/** A workspace that one isn't in is told as one that there isn't. */
function Outside({ slug }: { slug: string }) {
  const me = useMe().data;
  if (slug === "administration") return <NoPage />;
  return (
    <Note tone="bad">
      <strong>No workspace of yours.</strong> None with the address <code>{slug}</code> is among those of{" "}
      {me?.email ?? "your account"}. Whether there is one isn't told to anybody who isn't in it. If you were invited,
      open the link in the mail with the account that it was sent to; if you were in it, an owner can invite you again.
    </Note>
  );
}

type WithinProps = {
  slug: string;
  name: string;
  member: string;
  isOwner: boolean;
  about: Pick<About, "kind" | "name"> | null;
};

function Within({ slug, name, member, isOwner, about }: WithinProps) {
  const asked = useQuery({
    queryKey: [slug, "permissions", "explain", member, about],
    queryFn: ({ signal }) =>
      explainPermission(slug, member, { [about?.kind ?? "instance"]: about?.name ?? "" }, { signal }),
    enabled: about !== null,
    retry: false,
  });
  const isNotThere = asked.error !== null && problemOf(asked.error).status === 404;
  const owners = useOwners(slug, isNotThere && !isOwner);
  if (!about) return <NoPage />;
  const what = (
    <>
      {about.kind} <code>{about.name}</code>
    </>
  );
  if (isNotThere && isOwner)
    return (
      <Note tone="bad">
        <strong>Not there.</strong> {viewing() ? "Owners see" : "You see"} everything in {name}, and there is no {what}:
        it was deleted, was renamed long ago, or never was.
      </Note>
    );
  if (isNotThere)
    return (
      <>
        <Note tone="bad">
          <strong>Not among what {viewing()?.name ?? "you"} may see.</strong> No {what} is listed under Resource Access.
          Whether there is one isn't told to those who aren't allowed it.
        </Note>
        {owners.names && owners.names.length > 0 && (
          <span className={css.hint}>
            {owners.names.length === 1 ? `${owners.names[0]} owns ${name}` : `${listed(owners.names)} own ${name}`}: ask
            there whether it exists, and to be allowed it.
          </span>
        )}
      </>
    );
  if (asked.error) return <NotLoaded error={asked.error} again={() => void asked.refetch()} />;
  if (!asked.data) return <span className={css.hint}>Asking the server</span>;
  return asked.data.allowed ? (
    <Note tone="bad">
      <strong>Not there.</strong> The {what} is shown to {viewing()?.name ?? "you"}; what the rest of the address names
      isn't in it: it was deleted, or never was.
    </Note>
  ) : (
    <Note tone="bad">
      <strong>Not allowed.</strong> {asked.data.detail}
    </Note>
  );
}

const listed = (names: string[]) => new Intl.ListFormat("en", { type: "conjunction" }).format(names);
