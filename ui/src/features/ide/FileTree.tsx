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
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment, type KeyboardEvent, memo, useCallback, useRef, useState } from "react";
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

/** As many of a folder as come at once: the others when they are asked for. */
const MOST = 1000;

function useFolder(place: Place, path: string) {
  const { workspace, instance } = place;
  return useInfiniteQuery({
    queryKey: [workspace, "desk", instance, "files", path],
    queryFn: ({ signal, pageParam }) =>
      listFiles(
        workspace,
        instance,
        { path, limit: MOST, ...(pageParam !== null && { after: pageParam }) },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
}

/** Files and folders. Arrows move, Enter opens, F2 renames, Delete removes. */
export function FileTree(props: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState("");
  const tree = useRef<HTMLDivElement>(null);
  // The same ones from one showing to the next: of a folder of thousands only the rows that change are shown anew.
  const toggle = useCallback(
    (path: string) =>
      setOpen((before) => {
        const next = new Set(before);
        if (!next.delete(path)) next.add(path);
        return next;
      }),
    [],
  );
  const tell = useRef(props);
  tell.current = props;
  const onOpen = useCallback((path: string) => tell.current.onOpen(path), []);
  const onWish = useCallback((wish: Wish, target: Target) => tell.current.onWish(wish, target), []);
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
    const does = new Map<string, () => unknown>([
      ["ArrowDown", () => go(all[at + 1])],
      ["ArrowUp", () => go(all[at - 1])],
      ["Home", () => go(all[0])],
      ["End", () => go(all.at(-1))],
      ["ArrowRight", () => (isFolder && !open.has(path) ? toggle(path) : go(all[at + 1]))],
      [
        "ArrowLeft",
        () =>
          isFolder && open.has(path)
            ? toggle(path)
            : go(all.find((other) => other.dataset.path === parent && parent !== "")),
      ],
      ["Enter", () => row.click()],
      [" ", () => row.click()],
      // What shows more of a folder has no path.
      ["F2", () => path && props.onWish("rename", target)],
      ["Delete", () => path && props.onWish("remove", target)],
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
      <Level {...{ ...props, onOpen, onWish, open, toggle, focused, setFocused }} folder="" level={1} />
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
  const { folder, level, letters, open } = props;
  const found = useFolder(props.place, folder);
  const indent = { paddingLeft: 12 + level * 12 };
  if (found.error && !found.data)
    return (
      <p className={css.quiet} style={indent}>
        {problemOf(found.error).detail}
      </p>
    );
  if (!found.data) return null;
  const items = found.data.pages.flatMap((page) => page.items);
  // Keys go on with the first of those that come.
  const showMore = async (row: HTMLElement) => {
    const before = row.previousElementSibling;
    const hadFocus = row === document.activeElement;
    await found.fetchNextPage();
    if (hadFocus) requestAnimationFrame(() => (before?.nextElementSibling as HTMLElement | null)?.focus());
  };
  const unreadable = found.data.pages[0]?.unreadable ?? 0;
  return (
    <>
      {items.map((entry, index) => {
        const path = within(folder, entry.name);
        const isFolder = entry.kind === "folder";
        const isOpen = isFolder && open.has(path);
        const letter = letterAt(letters, path);
        return (
          <Fragment key={entry.name}>
            <Row
              path={path}
              name={entry.name}
              kind={entry.kind}
              leadsTo={entry.leads_to}
              level={level}
              isOpen={isOpen}
              isActive={props.active === path}
              isTabStop={props.focused === path || (props.focused === "" && level === 1 && index === 0)}
              letter={letter}
              differs={isFolder && letter === undefined && differsBelow(letters, path)}
              toggle={props.toggle}
              setFocused={props.setFocused}
              onOpen={props.onOpen}
              onWish={props.onWish}
            />
            {isOpen && <Level {...props} folder={path} level={level + 1} />}
          </Fragment>
        );
      })}
      {found.hasNextPage && (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of them
        <div
          role="treeitem"
          aria-level={level}
          aria-selected={false}
          tabIndex={-1}
          className={`${css.row} ${css.further}`}
          style={indent}
          onClick={(event) => void showMore(event.currentTarget)}
        >
          {found.isFetchingNextPage ? "Reading on" : `Show ${MOST.toLocaleString("en")} more`}
          <span className={css.quiet}>{items.length.toLocaleString("en")} shown</span>
        </div>
      )}
      {found.error && (
        <p className={css.quiet} style={indent} role="alert">
          {problemOf(found.error).detail}
        </p>
      )}
      {unreadable > 0 && (
        <p className={css.quiet} style={indent}>
          {unreadable.toLocaleString("en")} with names that can't be shown.
        </p>
      )}
      {level === 1 && items.length === 0 && <p className={css.quiet}>No files yet.</p>}
    </>
  );
}

type RowProps = Pick<LevelProps, "level" | "toggle" | "setFocused" | "onOpen" | "onWish"> & {
  path: string;
  name: string;
  kind: Entry["kind"];
  leadsTo: string | null;
  isOpen: boolean;
  isActive: boolean;
  isTabStop: boolean;
  letter: Letter | undefined;
  differs: boolean;
};

const Row = memo(function Row(props: RowProps) {
  const { path, kind, level, letter, isOpen } = props;
  const isFolder = kind === "folder";
  // What is to be done with it is made when somebody comes near: a folder of thousands has thousands of rows.
  const [isNear, setNear] = useState(false);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys for all of them
    <div
      role="treeitem"
      aria-level={level}
      aria-selected={props.isActive}
      {...(isFolder && { "aria-expanded": isOpen })}
      tabIndex={props.isTabStop ? 0 : -1}
      className={css.row}
      data-path={path}
      data-kind={kind}
      data-letter={letter}
      style={{ paddingLeft: 6 + level * 12 }}
      onFocus={() => {
        setNear(true);
        props.setFocused(path);
      }}
      onMouseEnter={() => setNear(true)}
      onClick={() => (isFolder ? props.toggle(path) : props.onOpen(path))}
      title={kind === "link" ? `A link to ${props.leadsTo ?? "somewhere"}` : undefined}
    >
      <Sign kind={kind} name={props.name} isOpen={isOpen} />
      <span className={css.name}>{props.name}</span>
      {letter && (
        <span className={css.letter}>
          <span aria-hidden>{letter}</span>
          <span className="visually-hidden">, {meaning[letter]}</span>
        </span>
      )}
      {props.differs && <span className={css.dot} role="img" aria-label="Something in it differs" />}
      {isNear && <RowMenu target={{ path, isFolder }} onWish={props.onWish} />}
    </div>
  );
});

function Sign({ kind, name, isOpen }: { kind: Entry["kind"]; name: string; isOpen: boolean }) {
  const of = { size: 15, stroke: 1.75, "aria-hidden": true } as const;
  if (kind === "folder")
    return (
      <>
        {isOpen ? <IconChevronDown {...of} size={13} /> : <IconChevronRight {...of} size={13} />}
        {isOpen ? <IconFolderOpen {...of} /> : <IconFolder {...of} />}
      </>
    );
  const Icon =
    kind === "link"
      ? IconLink
      : name === "stoa.toml"
        ? IconSettings
        : /\.(py|js|ts|jsx|tsx|mjs|html|css|rs|go|rb|sh|java|c|sql)$/.test(name)
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
