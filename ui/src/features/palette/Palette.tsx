import { CloseButton, Modal, useMantineColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconArrowRight,
  IconBox,
  IconCode,
  IconDatabaseExport,
  IconDownload,
  IconEyeOff,
  IconFileText,
  IconFolder,
  IconLayoutGrid,
  IconLogout,
  IconMoon,
  IconRocket,
  IconSearch,
  IconServer2,
  IconSettings,
  IconSun,
  IconUserCircle,
  IconUsers,
} from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { type ComponentType, type KeyboardEvent, useId, useState } from "react";
import { useMembers } from "@/api/memberQueries";
import type { Workspace } from "@/api/nouns";
import { useInstance, useInstances, useMe, useProjects, useServers } from "@/api/queries";
import { leaveView, viewing } from "@/api/viewing";
import { OF_ACCOUNT, OF_WORKSPACE } from "@/features/settings/places";
import { samePlaceIn } from "@/frame/places";
import { listsProjects, sectionsOf } from "@/frame/sections";
import { useSignOut } from "@/frame/useSignOut";
import { useFocusBack, usePhone } from "@/kit";
import { type Act, actsOf } from "./acts";
import { Doing } from "./Doing";
import css from "./palette.module.css";

type Icon = ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;
/** `off`: it can't be done now, and `hint` says why. */
type Offer = {
  key: string;
  group: string;
  word: string;
  hint?: string;
  Icon: Icon;
  run: () => void;
  off?: boolean;
  isAct?: boolean;
};

/** Where to go and what to do, by typing. It finds what its user may see, because it asks the same lists. */
export function Palette({ workspace, onClose }: { workspace: Workspace | null; onClose: () => void }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const phone = usePhone();
  const list = useId();
  useFocusBack(true);
  const [act, setAct] = useState<Act | null>(null);
  const offers = useOffers(workspace, text, setAct);
  const at = Math.min(chosen, Math.max(0, offers.length - 1));
  const run = (offer: Offer | undefined) => {
    if (!offer || offer.off) return;
    // What is done to an instance asks first, or may go wrong: that stands in this one's place.
    if (!offer.isAct) onClose();
    offer.run();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && offers.length) {
      event.preventDefault();
      const next = (at + step + offers.length) % offers.length;
      setChosen(next);
      document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
    }
    if (event.key === "Enter") {
      event.preventDefault();
      run(offers[at]);
    }
  };
  if (workspace && act) return <Doing workspace={workspace.slug} act={act} onClose={onClose} />;
  return (
    <Modal opened onClose={onClose} size={560} padding={0} centered={false} yOffset="12vh" fullScreen={phone}>
      <Modal.Title className="visually-hidden">Search or run a command</Modal.Title>
      <div className={css.search}>
        <IconSearch size={18} stroke={1.75} aria-hidden />
        <input
          data-autofocus
          role="combobox"
          aria-label="Search or run a command"
          aria-expanded={offers.length > 0}
          aria-controls={offers.length ? list : undefined}
          aria-activedescendant={offers.length ? `${list}-${at}` : undefined}
          placeholder="Search or run a command"
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={onKey}
        />
        {phone && <CloseButton size={40} aria-label="Close" onClick={onClose} />}
      </div>
      <div role="status">
        {offers.length === 0 && (
          <div className={css.none}>
            {workspace?.may.includes("manage") ? "Nothing of this name." : "Nothing of this name that you may see."}
          </div>
        )}
      </div>
      <div className={css.list} id={list} role="listbox" aria-label="Found" hidden={offers.length === 0}>
        {offers.map((offer, index) => (
          <div key={offer.key}>
            {offers[index - 1]?.group !== offer.group && (
              <div className={css.group} role="presentation">
                {offer.group}
              </div>
            )}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and takes the keys */}
            <div
              id={`${list}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              aria-disabled={offer.off || undefined}
              className={css.item}
              onClick={() => run(offer)}
              onMouseMove={() => setChosen(index)}
            >
              <offer.Icon size={17} stroke={1.75} aria-hidden />
              <span>{offer.word}</span>
              {offer.hint && <span>{offer.hint}</span>}
            </div>
          </div>
        ))}
      </div>
    </Modal>
  );
}

const LIMIT = 6;

/** The tabs of an instance, by what opens them. */
const TABS: [string, string | null, string, Icon][] = [
  ["", null, "Overview", IconBox],
  ["/logs", "read_logs", "Logs", IconFileText],
  ["/deployments", "read_logs", "Deployments", IconRocket],
  ["/backups", "backup", "Backups", IconDatabaseExport],
  ["/ide", "use_ide", "IDE", IconCode],
  ["/settings", "change_settings", "Settings", IconSettings],
];

/** What owners come for, by other words than the section's own. */
const SOUGHT: Record<string, string> = {
  projects: "new project, create project, add repository",
  instances: "new instance, create instance",
  servers: "connect a server, add server",
  members: "invite member, permissions",
  activity: "audit log",
};

/** The instance whose page is open. */
export const instanceIn = (path: string): string | null => /^\/[^/]+\/instances\/([^/]+)/.exec(path)?.[1] ?? null;

/** "clone", "git clone", "push", and what is to be cloned behind it; null where something else is sought. */
export function wantsClone(text: string): string | null {
  const found = /^\s*(?:git\s+)?(?:clone|push)(?:\s+(.*))?$/i.exec(text);
  if (found) return (found[1] ?? "").trim();
  const word = text.trim().toLowerCase();
  return word.length > 2 && ["clone", "git clone", "git push"].some((one) => one.startsWith(word)) ? "" : null;
}

/** Whether words of it begin so, as it is called here, by its button or its page: "hard restart", "backup". */
export function means(act: string, word: string, wanted: string): boolean {
  const plain = (text: string) => text.toLocaleLowerCase().replace(/[()]/g, "");
  return ` ${plain(word)} ${act.split("_").reverse().join(" ")}`.includes(` ${plain(wanted)}`);
}

function useOffers(workspace: Workspace | null, text: string, onAct: (act: Act) => void): Offer[] {
  const navigate = useNavigate();
  const me = useMe();
  const signOut = useSignOut();
  const { setColorScheme } = useMantineColorScheme();
  const [q] = useDebouncedValue(text.trim(), 120);
  const slug = workspace?.slug ?? "";
  const isSearching = Boolean(workspace) && q.length > 0;
  const maySeeProjects = workspace !== null && listsProjects(workspace);
  const query = { q, limit: LIMIT };
  const instances = useInstances(slug, query, isSearching);
  const projects = useProjects(slug, query, isSearching && maySeeProjects);
  const servers = useServers(slug, query, isSearching);
  const members = useMembers(slug, query, isSearching);
  const open = workspace && instanceIn(location.pathname);
  const here = useInstance(slug, open ?? "", Boolean(open)).data;
  const cloned = wantsClone(text);
  const clones = useProjects(slug, { q: cloned ?? "", limit: LIMIT }, maySeeProjects && cloned !== null);

  const wanted = text.trim().toLocaleLowerCase();
  const fits = (word: string) => word.toLocaleLowerCase().includes(wanted);
  const base = workspace ? `/${slug}/settings` : "/account";
  const go = (to: string) => () => void navigate({ to });
  const offers: Offer[] = [];
  const add = (group: string, word: string, Icon: Icon, run: () => void, hint?: string) =>
    offers.push({
      key: `${group} ${word} ${hint ?? ""} ${offers.length}`,
      group,
      word,
      Icon,
      run,
      ...(hint && { hint }),
    });

  if (isSearching) {
    for (const one of instances.items ?? [])
      add("Instances", one.name, IconBox, go(`/${slug}/instances/${one.slug}`), one.status);
    for (const one of projects.items ?? []) add("Projects", one.name, IconFolder, go(`/${slug}/projects/${one.slug}`));
    for (const one of servers.items ?? []) add("Servers", one.name, IconServer2, go(`/${slug}/servers/${one.slug}`));
    for (const one of members.items ?? [])
      add("Members", one.account.name, IconUsers, go(`/${slug}/members`), one.role);
  }
  for (const one of cloned === null ? [] : (clones.items ?? []))
    add(
      "Clone",
      `Clone ${one.name}`,
      IconDownload,
      // A number of its own each time: the place may be open already, with its answer closed.
      () => void navigate({ to: `/${slug}/projects/${one.slug}`, search: { clone: Date.now() } as never }),
      one.repository.url,
    );
  if (here)
    for (const [tab, verb, word, Icon] of TABS)
      if ((!verb || (here.may as string[]).includes(verb)) && fits(word))
        add(here.name, word, Icon, go(`/${slug}/instances/${here.slug}${tab}`));
  // By what its button or its page calls it, too: "hard restart", "backup".
  for (const { act, word, Icon, against } of here ? actsOf(here) : [])
    if (here && fits(`${word}, ${act.split("_").reverse().join(" ")}`))
      offers.push({
        key: `act ${act}`,
        group: here.name,
        word,
        Icon,
        run: () => onAct({ instance: here, act }),
        isAct: true,
        ...(against !== null && { off: true, hint: against }),
      });
  const isOwner = workspace?.may.includes("manage") ?? false;
  if (workspace) {
    for (const { to, word, Icon } of sectionsOf(workspace)) {
      const also = isOwner && wanted.length > 2 && (SOUGHT[to] ?? "").includes(wanted);
      if (fits(word) || also) add("Go to", word, Icon, go(to ? `/${slug}/${to}` : `/${slug}`));
    }
  }
  // All of them would hide the rest: they come once something is typed.
  if (wanted) {
    const there = workspace ? sectionsOf(workspace).map(({ to }) => to as string) : [];
    for (const { key, word, Icon } of workspace && isOwner ? OF_WORKSPACE : [])
      if (!there.includes(key) && fits(`${word} settings`))
        add("Settings", word, Icon, go(`${base}/${key}`), workspace?.name);
    // Another one's account isn't open to whoever looks on as them.
    for (const { key, word, Icon } of viewing() ? [] : OF_ACCOUNT)
      if (fits(`${word} account settings`)) add("Settings", word, Icon, go(`${base}/${key}`), "Account");
  }
  // Nothing of one's own is open to whoever looks on as a member, and none of it is what they see.
  for (const mine of viewing() ? [] : (me.data?.workspaces ?? []))
    if (mine.id !== workspace?.id && fits(`${mine.name} ${mine.slug}`))
      add(
        "Change to",
        mine.name,
        IconArrowRight,
        go(samePlaceIn(mine.slug, workspace ? location.pathname : "")),
        `/${mine.slug}`,
      );
  type Command = [string, Icon, () => void];
  const own: Command[] = [
    ["My workspaces", IconLayoutGrid, go(workspace ? `${base}/workspaces` : "/workspaces")],
    ["Account", IconUserCircle, go(`${base}/profile`)],
  ];
  const commands: Command[] = [
    ...(viewing() ? [] : own),
    ["Light", IconSun, () => setColorScheme("light")],
    ["Dark", IconMoon, () => setColorScheme("dark")],
    viewing() ? ["Leave the view", IconEyeOff, leaveView] : ["Sign out", IconLogout, signOut],
  ];
  for (const [word, Icon, run] of commands) if (fits(word)) add("Do", word, Icon, run);
  return offers;
}
