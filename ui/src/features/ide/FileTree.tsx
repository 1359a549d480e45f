import { ActionIcon, Menu } from "@mantine/core";
import {
  IconChevronDown,
  IconChevronRight,
  IconDots,
  IconFile,
  IconFileCode,
  IconFolder,
  IconFolderOpen,
  IconLink,
  IconSettings,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useRef, useState } from "react";
import { type File as Entry, listFiles } from "@/api/generated";
import { problemOf } from "@/api/problem";
import { type Place, within } from "./files";
import css from "./ide.module.css";
import { differsBelow, type Letter, letterAt, meaning } from "./letters";

export type Wish = "rename" | "remove" | "download" | "new" | "folder" | "upload";

export type Target = { path: string; isFolder: boolean };

type Props = {
  place: Place;
  letters: ReadonlyMap<string, Letter>;
  active: string | null;
  onOpen: (path: string) => void;
  onWish: (wish: Wish, target: Target) => void;
};

/** Folders of this kind are of no use to anybody who edits: they stand there closed like any other. */
const MOST = 1000;

export const filesKey = (place: Place, folder: string) =>
  [place.workspace, "desk", place.instance, "files", folder] as const;

export function useFolder(place: Place, folder: string, isOpen = true) {
  return useQuery({
    queryKey: filesKey(place, folder),
    queryFn: ({ signal }) => listFiles(place.workspace, place.instance, { path: folder, limit: MOST }, { signal }),
    enabled: isOpen,
  });
}

/** Files and folders. Arrows move, Enter opens, F2 renames, Delete removes. */
export function FileTree(props: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState("");
  const tree = useRef<HTMLDivElement>(null);
  const toggle = (path: string, isOpen = !open.has(path)) =>
    setOpen((before) => {
      const next = new Set(before);
      if (isOpen) next.add(path);
      else next.delete(path);
      return next;
    });
  const rows = () => [...(tree.current?.querySelectorAll<HTMLElement>("[role=treeitem]") ?? [])];
  const go = (to: HTMLElement | undefined) => {
    to?.focus();
    if (to?.dataset.path !== undefined) setFocused(to.dataset.path);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const all = rows();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const row = all[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const path = row.dataset.path ?? "";
    const isFolder = row.dataset.kind === "folder";
    const target = { path, isFolder };
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const does = new Map<string, () => void>([
      ["ArrowDown", () => go(all[at + 1])],
      ["ArrowUp", () => go(all[at - 1])],
      ["Home", () => go(all[0])],
      ["End", () => go(all.at(-1))],
      ["ArrowRight", () => (isFolder && !open.has(path) ? toggle(path, true) : go(all[at + 1]))],
      [
        "ArrowLeft",
        () =>
          isFolder && open.has(path)
            ? toggle(path, false)
            : go(all.find((other) => other.dataset.path === parent && parent !== "")),
      ],
      ["Enter", () => (isFolder ? toggle(path) : props.onOpen(path))],
      [" ", () => (isFolder ? toggle(path) : props.onOpen(path))],
      ["F2", () => props.onWish("rename", target)],
      ["Delete", () => props.onWish("remove", target)],
      ["ContextMenu", () => row.querySelector<HTMLElement>("button")?.click()],
    ]);
    const doIt = does.get(event.key);
    if (!doIt) return;
    event.preventDefault();
    event.stopPropagation();
    doIt();
  };
  return (
    <div ref={tree} className={css.tree} role="tree" aria-label="Files" tabIndex={-1} onKeyDown={onKeyDown}>
      <Level {...props} folder="" level={1} open={open} toggle={toggle} focused={focused} setFocused={setFocused} />
    </div>
  );
}

type LevelProps = Props & {
  folder: string;
  level: number;
  open: ReadonlySet<string>;
  toggle: (path: string) => void;
  focused: string;
  setFocused: (path: string) => void;
};

function Level(props: LevelProps) {
  const { folder, level } = props;
  const found = useFolder(props.place, folder);
  if (found.error)
    return (
      <p className={css.quiet} style={{ paddingLeft: 12 + level * 12 }}>
        {problemOf(found.error).detail}
      </p>
    );
  if (!found.data) return null;
  const { items, next, unreadable } = found.data;
  return (
    <>
      {items.map((entry, index) => (
        <Row key={entry.name} {...props} entry={entry} isFirst={level === 1 && index === 0} />
      ))}
      {(next !== null || unreadable > 0) && (
        <p className={css.quiet} style={{ paddingLeft: 12 + level * 12 }}>
          {next !== null
            ? `The first ${MOST.toLocaleString("en")} are shown. Find the others in the terminal.`
            : `${unreadable} with names that can't be shown.`}
        </p>
      )}
      {level === 1 && items.length === 0 && <p className={css.quiet}>No files yet.</p>}
    </>
  );
}

function Row(props: LevelProps & { entry: Entry; isFirst: boolean }) {
  const { entry, folder, level, letters, open } = props;
  const path = within(folder, entry.name);
  const isFolder = entry.kind === "folder";
  const isOpen = isFolder && open.has(path);
  const letter = letterAt(letters, path);
  const differs = isFolder && letter === undefined && differsBelow(letters, path);
  const target = { path, isFolder };
  const isTabStop = props.focused === path || (props.focused === "" && props.isFirst);
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of them */}
      <div
        role="treeitem"
        aria-level={level}
        aria-selected={props.active === path}
        {...(isFolder && { "aria-expanded": isOpen })}
        tabIndex={isTabStop ? 0 : -1}
        className={css.row}
        data-path={path}
        data-kind={entry.kind}
        data-letter={letter}
        style={{ paddingLeft: 6 + level * 12 }}
        onFocus={() => props.setFocused(path)}
        onClick={() => (isFolder ? props.toggle(path) : props.onOpen(path))}
        title={entry.kind === "link" ? `A link to ${entry.leads_to ?? "somewhere"}` : undefined}
      >
        <Sign entry={entry} isOpen={isOpen} />
        <span className={css.name}>{entry.name}</span>
        {letter && (
          <span className={css.letter}>
            <span aria-hidden>{letter}</span>
            <span className="visually-hidden">, {meaning[letter]}</span>
          </span>
        )}
        {differs && <span className={css.dot} role="img" aria-label="Something in it differs" />}
        <RowMenu target={target} onWish={props.onWish} />
      </div>
      {isOpen && <Level {...props} folder={path} level={level + 1} />}
    </>
  );
}

function Sign({ entry, isOpen }: { entry: Entry; isOpen: boolean }) {
  const of = { size: 15, stroke: 1.75, "aria-hidden": true } as const;
  if (entry.kind === "folder")
    return (
      <>
        {isOpen ? <IconChevronDown {...of} size={13} /> : <IconChevronRight {...of} size={13} />}
        {isOpen ? <IconFolderOpen {...of} /> : <IconFolder {...of} />}
      </>
    );
  const Icon =
    entry.kind === "link"
      ? IconLink
      : entry.name === "stoa.toml"
        ? IconSettings
        : /\.(py|js|ts|jsx|tsx|mjs|html|css|rs|go|rb|sh|java|c|sql)$/.test(entry.name)
          ? IconFileCode
          : IconFile;
  return (
    <>
      <span className={css.noArrow} />
      <Icon {...of} />
    </>
  );
}

function RowMenu({ target, onWish }: { target: Target; onWish: Props["onWish"] }) {
  const item = (wish: Wish, words: string) => <Menu.Item onClick={() => onWish(wish, target)}>{words}</Menu.Item>;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <ActionIcon
          className={css.more ?? ""}
          size={20}
          tabIndex={-1}
          aria-label={`What to do with ${target.path}`}
          onClick={(event) => event.stopPropagation()}
        >
          <IconDots size={14} stroke={1.75} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown onClick={(event) => event.stopPropagation()} onKeyDown={(event) => event.stopPropagation()}>
        {target.isFolder && (
          <>
            {item("new", "New file in it…")}
            {item("folder", "New folder in it…")}
            {item("upload", "Upload into it…")}
            <Menu.Divider />
          </>
        )}
        {item("rename", "Rename or move…")}
        {!target.isFolder && item("download", "Download")}
        {item("remove", "Delete…")}
      </Menu.Dropdown>
    </Menu>
  );
}
