import { Button, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconActivity, IconExternalLink, IconSearch, IconUserShare } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Page } from "@/api/client";
import { type ApplicationUser, askToConnect, type ConnectLink, listApplicationUsers } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useAct } from "@/api/queries";
import { Dialog, DisabledReason, Empty, Failed, Forbidden, LoadingRows, Note } from "@/kit";
import css from "./connectAs.module.css";
import { GoingOn } from "./GoingOn";
import { Users } from "./Users";

const LONGEST_REASON = 500;
const ONCE = "Opens a new tab. The link works once, for one minute, for you.";

/** A tab of its own, opened at once: a browser lets none open that comes after an answer. */
function openTab(): Window | null {
  const tab = globalThis.open("about:blank", "_blank");
  if (tab) tab.opener = null;
  return tab;
}

/** The way out of what isn't allowed any more: it takes the focus of what was there, so that keys stay in the dialog. */
function Way({ onClose }: { onClose: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <Button ref={button} onClick={onClose}>
      Close
    </Button>
  );
}

/** Search, pick, give a reason; the button names the user. What goes on already is listed below, and ended there. */
export function ConnectDialog(props: { workspace: string; instance: Instance; onClose: () => void }) {
  const { workspace, instance } = props;
  const [search, setSearch] = useState("");
  const [query] = useDebouncedValue(search.trim(), 300);
  const [chosen, setChosen] = useState<ApplicationUser | null>(null);
  const [reason, setReason] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const users = useQuery({
    queryKey: [workspace, "connect", instance.id, "users", query],
    queryFn: ({ signal }): Promise<Page<ApplicationUser>> =>
      listApplicationUsers(workspace, instance.id, query ? { q: query } : {}, { signal }),
    // The application is asked each time that somebody opens this.
    gcTime: 0,
    staleTime: 0,
  });
  const connect = useAct<Window | null, ConnectLink>(workspace, {
    act: async (tab) => {
      try {
        const link = await askToConnect(workspace, instance.id, { user: chosen?.id ?? "", reason: reason.trim() });
        if (tab) tab.location.replace(link.url);
        return link;
      } catch (failure) {
        tab?.close();
        throw failure;
      }
    },
    nouns: ["instances"],
  });
  // Answers of before are kept beside a failure, and are none any more.
  const found = users.error ? undefined : users.data?.items;
  const picked = chosen && (found ?? []).some((one) => one.id === chosen.id) ? chosen : null;
  const missing = !picked ? "Choose a user first" : reason.trim() === "" ? "Give a reason first" : null;
  const blocked = connect.data && connect.variables === null ? connect.data.url : null;
  const title = `Connect as a user of ${instance.name}`;
  const problem = users.error && problemOf(users.error);
  if (problem && [403, 404].includes(problem.status))
    return (
      <Dialog opened onClose={props.onClose} size={560} title={title} foot={<Way onClose={props.onClose} />}>
        {problem.status === 403 ? (
          <Forbidden problem={problem} about={{ kind: "instance", id: instance.id, name: instance.name }} inline />
        ) : (
          <Failed error={problem} inline />
        )}
      </Dialog>
    );
  return (
    <Dialog
      opened
      onClose={props.onClose}
      size={560}
      title={title}
      sentence="You will see and can do what that user can."
      onSubmit={() => !missing && !connect.isPending && connect.mutate(openTab())}
      foot={
        <>
          <span className={css.about}>{ONCE}</span>
          <Button onClick={props.onClose} className={css.cancel ?? ""}>
            {connect.isSuccess ? "Close" : "Cancel"}
          </Button>
          <DisabledReason reason={missing}>
            <Button
              type="submit"
              variant="filled"
              leftSection={<IconExternalLink size={16} stroke={1.75} aria-hidden />}
              loading={connect.isPending}
              data-disabled={missing ? true : undefined}
              aria-disabled={missing ? true : undefined}
            >
              {picked ? `Connect as ${picked.name}` : "Connect"}
            </Button>
          </DisabledReason>
        </>
      }
    >
      <div className={css.body}>
        <TextInput
          aria-label="Find a user"
          placeholder="Find a user"
          leftSection={<IconSearch size={16} stroke={1.75} aria-hidden />}
          rightSection={found && <span className={css.count}>{counted(found.length)}</span>}
          rightSectionWidth={82}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.preventDefault();
            if (event.key !== "ArrowDown" && event.key !== "Enter") return;
            event.preventDefault();
            list.current?.querySelector<HTMLInputElement>("input:not(:disabled)")?.focus();
          }}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <div ref={list} className={css.list} data-failed={users.error ? true : undefined}>
          {users.error ? (
            <Failed error={users.error} retry={() => void users.refetch()} inline />
          ) : !found ? (
            <LoadingRows rows={4} height={48} />
          ) : found.length === 0 ? (
            <Empty icon={IconUserShare} title={query ? "No user fits" : "No users"} inline>
              {query ? "Search for another name." : "The application lists nobody."}
            </Empty>
          ) : (
            <Users users={found} query={query} chosen={picked?.id ?? null} onChoose={setChosen} />
          )}
        </div>
        <Textarea
          label="Reason"
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={connect.error?.field("reason")}
          maxLength={LONGEST_REASON}
          autosize
          minRows={2}
          maxRows={5}
        />
        <p className={css.written}>
          <IconActivity size={15} stroke={1.75} aria-hidden />
          Written to the audit log (under Activity) with your name, the user and this reason.
        </p>
        <p className={css.small}>{ONCE}</p>
        {connect.error && !connect.error.field("reason") && <Note tone="bad">{connect.error.detail}</Note>}
        {blocked && (
          <Note tone="warn">
            Your browser let no tab open.{" "}
            <a href={blocked} target="_blank" rel="noopener noreferrer">
              Open it here
            </a>
            , once and within a minute.
          </Note>
        )}
        <GoingOn workspace={workspace} instance={instance} />
      </div>
    </Dialog>
  );
}

const counted = (count: number) => (count >= 50 ? "first 50" : count === 1 ? "1 user" : `${count} users`);
