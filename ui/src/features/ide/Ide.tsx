import { ActionIcon, Button, Checkbox, CloseButton, Tooltip } from "@mantine/core";
import {
  IconChevronDown,
  IconChevronUp,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconFilePlus,
  IconFileUpload,
  IconFolderPlus,
  IconReload,
  IconSearch,
  IconSparkles,
  IconTerminal2,
  IconTrash,
} from "@tabler/icons-react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { removeFile } from "@/api/generated";
import { type Problem, problemOf } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { useWorkspace } from "@/frame/useWorkspace";
import { ConfirmDialog, Go, Note, Unsaved } from "@/kit";
import { Assistant } from "./Assistant";
import assistant from "./assistant.module.css";
import { Changes } from "./Changes";
import { CommitBox } from "./CommitBox";
import type { Where } from "./Editor";
import { EditorArea } from "./EditorArea";
import { FileTree, type Target, type Wish } from "./FileTree";
import { Find } from "./Find";
import { download, folderOf, nameOf, type Place } from "./files";
import { forgetEdits, useEditsKey } from "./heldEdits";
import css from "./ide.module.css";
import { lettersOf } from "./letters";
import { NameDialog, type Naming } from "./NameDialog";
import { Terminals } from "./Terminals";
import { useUpload } from "./Upload";
import { useDocuments } from "./useDocuments";
import { useRefresh, useWorkingCopy } from "./useWorkingCopy";

type Panel = "terminal" | "changes" | "find";
type Props = {
  place: Place;
  name: string;
  /** The instance goes, and the desk with it: nothing is offered that would bring it back. */
  isDeleting: boolean;
  onReopen: () => void;
  onAnew: () => void;
  isAnew: boolean;
};

const FORMATS = "stoa-ide:format-on-save";

/** Files, editor, terminal; at the foot of the files the commit. */
export function Ide({ place, name, isDeleting, onReopen, onAnew, isAnew }: Props) {
  const { file: active, line } = useSearch({ strict: false }) as { file?: string; line?: number | string };
  const navigate = useNavigate();
  const refresh = useRefresh(place);
  const status = useWorkingCopy(place);
  const edits = useEditsKey(place.instance);
  const documents = useDocuments(place, refresh.now);
  const [panel, setPanel] = useState<Panel>("terminal");
  const [isPanelOpen, setPanelOpen] = useState(true);
  const [focus, setFocus] = useState({ terminal: 0, find: 0 });
  const [where, setWhere] = useState<Where | null>(null);
  const [naming, setNaming] = useState<Naming | null>(null);
  const [removing, setRemoving] = useState<Target | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [formats, setFormats] = useState(() => localStorage.getItem(FORMATS) === "yes");
  const { ai, may, slug } = useWorkspace();
  const [isAssisted, setAssisted] = useState(false);
  const wasAssisted = useRef(false);
  wasAssisted.current ||= isAssisted;
  const [isDiscarding, setDiscarding] = useState(false);
  const [view, setView] = useState<"files" | "editor" | "panel">(active ? "editor" : "files");
  const upload = useRef<HTMLInputElement>(null);
  const uploadTo = useRef("");
  const panelTab = useRef<HTMLButtonElement>(null);
  const letters = useMemo(() => lettersOf(status.data?.changes ?? []), [status.data]);
  const openDocument = documents.open;

  const show = useCallback(
    (path: string | undefined, at?: number) => {
      void navigate({
        to: ".",
        search: { ...(path && { file: path }), ...(at && { line: at }) } as never,
        replace: true,
        resetScroll: false,
      });
      if (path) setView("editor");
    },
    [navigate],
  );
  // Opened anew it goes on with a file of which the tab is there.
  const tabAtFirst = useRef(active ? undefined : documents.tabs.at(-1));
  useEffect(() => {
    const file = tabAtFirst.current;
    tabAtFirst.current = undefined;
    if (file) void navigate({ to: ".", search: { file } as never, replace: true, resetScroll: false });
  }, [navigate]);
  // The address says which file is looked at: it may be a link that somebody was given.
  useEffect(() => {
    if (active) openDocument(active, line === undefined ? null : Number(line) || null);
  }, [active, line, openDocument]);

  // Nothing tells what a terminal does to it: it is looked at anew with each reading of how the working copy stands.
  const { follow } = documents;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a reading is the occasion
  useEffect(() => {
    if (active) void follow(active);
  }, [active, follow, status.dataUpdatedAt]);
  useEffect(() => {
    window.addEventListener("focus", refresh.now);
    return () => window.removeEventListener("focus", refresh.now);
  }, [refresh.now]);

  const act = useCallback(async (work: () => Promise<unknown>) => {
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
  }, []);
  const onWish = (wish: Wish, target: Target) => {
    const folder = target.isFolder ? target.path : folderOf(target.path);
    if (wish === "rename") setNaming({ what: "rename", path: target.path });
    else if (wish === "remove") setRemoving(target);
    else if (wish === "download") void act(() => download(place, target.path));
    else if (wish === "upload") {
      uploadTo.current = folder;
      upload.current?.click();
    } else setNaming({ what: wish, folder });
  };
  const remove = useMutation({
    mutationFn: (target: Target) => removeFile(place.workspace, place.instance, target.path),
    onSuccess: (_, target) => {
      documents.moved(target.path, null);
      if (active === target.path || active?.startsWith(`${target.path}/`)) show(undefined);
      setRemoving(null);
      refresh.now();
    },
  });
  const uploads = useUpload({
    place,
    onProblem: setProblem,
    onDone: (replaced) => {
      for (const path of replaced) void documents.follow(path);
      refresh.now();
    },
  });
  const openPanel = (which: Panel) => {
    setPanel(which);
    setPanelOpen(true);
    setView("panel");
    if (which !== "changes") setFocus((before) => ({ ...before, [which]: before[which] + 1 }));
  };
  const compare = (path: string) => {
    show(path);
    const begin = () => act(() => documents.compare(path));
    if (documents.find(path)?.original === undefined) {
      if (!documents.find(path)) documents.open(path);
      void begin();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isMod = event.ctrlKey || event.metaKey;
    if (isMod && event.shiftKey && event.key.toLowerCase() === "f") openPanel("find");
    else if (isMod && event.key === "`") openPanel("terminal");
    else return;
    event.preventDefault();
  };
  const closed = status.error ? problemOf(status.error) : null;
  const tool = (label: string, Icon: typeof IconSearch, onClick: () => void) => (
    <Tooltip label={label}>
      <ActionIcon size={26} aria-label={label} onClick={onClick}>
        <Icon size={16} stroke={1.75} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
  const tab = (which: Panel, words: string, count?: number) => (
    <button
      ref={which === panel ? panelTab : undefined}
      type="button"
      role="tab"
      id={`ide-tab-${which}`}
      aria-controls="ide-panel"
      aria-selected={panel === which}
      tabIndex={panel === which ? 0 : -1}
      onClick={() => openPanel(which)}
      onKeyDown={(event) => {
        const order: Panel[] = ["terminal", "changes", "find"];
        const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        if (step === 0) return;
        const to = order[(order.indexOf(which) + step + order.length) % order.length];
        if (to) setPanel(to);
        requestAnimationFrame(() => panelTab.current?.focus());
      }}
    >
      {which === "terminal" && <IconTerminal2 size={15} stroke={1.75} aria-hidden />}
      {words}
      {count !== undefined && count > 0 && <span className="numbers">{count}</span>}
    </button>
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys that hold in all of it
    <div className={css.ide} data-view={view} onKeyDown={onKeyDown}>
      <h1 className="visually-hidden">IDE of {name}</h1>
      <div className={css.views} role="toolbar" aria-label="What is shown">
        {(["files", "editor", "panel"] as const).map((which) => (
          <button key={which} type="button" aria-pressed={view === which} onClick={() => setView(which)}>
            {{ files: "Files", editor: "Editor", panel: "Terminal" }[which]}
          </button>
        ))}
      </div>
      <aside className={css.files} aria-label="Working copy">
        <div className={css.filesHead}>
          <h2>Files</h2>
          {tool("Find in files", IconSearch, () => openPanel("find"))}
          {tool("New file", IconFilePlus, () => setNaming({ what: "new", folder: active ? folderOf(active) : "" }))}
          {tool("New folder", IconFolderPlus, () =>
            setNaming({ what: "folder", folder: active ? folderOf(active) : "" }),
          )}
          {tool("Upload files", IconFileUpload, () => {
            uploadTo.current = "";
            upload.current?.click();
          })}
          {tool("Look again", IconReload, refresh.now)}
        </div>
        <input
          ref={upload}
          type="file"
          multiple
          hidden
          aria-label="Files to upload"
          onChange={(event) => {
            // The list is the field's own, and is empty with it.
            const files = [...(event.currentTarget.files ?? [])];
            event.currentTarget.value = "";
            void uploads.upload(uploadTo.current, files);
          }}
        />
        {problem && (
          <div className={`${css.problem} ${css.closable}`}>
            <Note tone="bad">{problem.detail}</Note>
            <CloseButton size={24} aria-label="Close what went wrong" onClick={() => setProblem(null)} />
          </div>
        )}
        <FileTree place={place} letters={letters} active={active ?? null} onOpen={show} onWish={onWish} />
        {closed && !isDeleting && (
          <div className={css.problem} role="alert">
            <Note tone="bad">{closed.detail}</Note>
            <Button size="xs" onClick={onReopen}>
              Open again
            </Button>
          </div>
        )}
        {status.data && (
          <CommitBox
            place={place}
            copy={status.data}
            unsaved={documents.dirty}
            onDone={() => {
              setProblem(null);
              refresh.now();
            }}
            onConflicts={(paths) => {
              refresh.now();
              openPanel("changes");
              if (paths[0]) show(paths[0]);
            }}
          />
        )}
      </aside>
      <div className={css.work} data-closed={!isPanelOpen || undefined}>
        <EditorArea
          documents={documents}
          active={active}
          letters={letters}
          branch={status.data?.branch ?? "the branch"}
          formats={formats}
          onShow={show}
          onCompare={compare}
          onWhere={setWhere}
          onProblem={setProblem}
          onDownload={(path) => void act(() => download(place, path))}
          onAssist={ai ? () => setAssisted(!isAssisted) : null}
          isAssisted={isAssisted}
        />
        <section className={css.panel} aria-label="Terminal, changes and search">
          <div className={css.panelHead} role="tablist" aria-label="Terminal, changes and search">
            {tab("terminal", "Terminal")}
            {tab("changes", "Changes", status.data?.changes.length)}
            {tab("find", "Find in files")}
          </div>
          <ActionIcon
            className={css.fold ?? ""}
            size={26}
            aria-label={isPanelOpen ? "Close the panel" : "Open the panel"}
            aria-expanded={isPanelOpen}
            onClick={() => setPanelOpen(!isPanelOpen)}
          >
            {isPanelOpen ? (
              <IconChevronDown size={16} stroke={1.75} aria-hidden />
            ) : (
              <IconChevronUp size={16} stroke={1.75} aria-hidden />
            )}
          </ActionIcon>
          <div
            id="ide-panel"
            className={css.panelBody}
            role="tabpanel"
            aria-labelledby={`ide-tab-${panel}`}
            hidden={!isPanelOpen}
          >
            <Terminals
              place={place}
              isShown={panel === "terminal" && isPanelOpen}
              isDeleting={isDeleting}
              focus={focus.terminal}
              onOutput={refresh.soon}
              onLeave={() => panelTab.current?.focus()}
            />
            {panel === "changes" && status.data && (
              <Changes
                place={place}
                copy={status.data}
                onCompare={compare}
                onDone={(taken) => {
                  refresh.now();
                  if (taken && documents.find(taken)) void documents.load(taken);
                }}
              />
            )}
            {panel === "find" && <Find place={place} focus={focus.find} onOpen={show} />}
          </div>
        </section>
        <footer className={css.foot}>
          {isDeleting || closed ? (
            <span className={css.notReady}>
              {isDeleting ? <IconTrash size={14} aria-hidden /> : <IconCircleDashed size={14} aria-hidden />}
              {isDeleting ? "Being deleted" : "Not open"}
            </span>
          ) : (
            <span className={css.ready}>
              <IconCircleCheckFilled size={14} aria-hidden />
              Sandbox ready
            </span>
          )}
          {where && (
            <>
              <span className="numbers">
                Ln {where.line}, Col {where.column}
              </span>
              <span>{where.unit}</span>
              <span>UTF-8</span>
            </>
          )}
          <Checkbox
            label="Format on save: trailing blanks, JSON"
            styles={{ label: { paddingLeft: 8, fontSize: 12 } }}
            checked={formats}
            onChange={(event) => {
              const is = event.currentTarget.checked;
              localStorage.setItem(FORMATS, is ? "yes" : "no");
              setFormats(is);
            }}
          />
          {!isDeleting && (
            <button type="button" className={css.textButton} onClick={() => setDiscarding(true)}>
              Begin anew…
            </button>
          )}
          <span className={css.promise}>Code changes with the push</span>
          {!ai && may.includes("manage") && (
            <span className={assistant.hint}>
              <IconSparkles size={14} stroke={1.75} aria-hidden />
              <Go to={`/${slug}/settings/ai`}>Choose an AI provider</Go> to have edits proposed here.
            </span>
          )}
          {where && <span>Esc, then Tab, leaves the editor</span>}
        </footer>
      </div>
      {ai && wasAssisted.current && (
        <Assistant
          isShown={isAssisted}
          place={place}
          documents={documents}
          active={active}
          lines={where?.path === active ? (where?.lines ?? null) : null}
          onShow={show}
          onClose={() => setAssisted(false)}
        />
      )}
      {naming && (
        <NameDialog
          place={place}
          naming={naming}
          onClose={() => setNaming(null)}
          onDone={(path, before) => {
            const { what } = naming;
            setNaming(null);
            refresh.now();
            if (before) {
              documents.moved(before, path);
              if (active === before) show(path);
            } else if (what === "new") show(path);
          }}
        />
      )}
      <ConfirmDialog
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={removing?.isFolder ? "Delete a folder" : "Delete a file"}
        action="Delete"
        busy={remove.isPending}
        problem={remove.error ? problemOf(remove.error) : null}
        onConfirm={() => removing && remove.mutate(removing)}
      >
        {removing?.isFolder
          ? `${removing.path} and all in it are deleted from your working copy. What was committed can be taken back.`
          : `${nameOf(removing?.path ?? "")} is deleted from your working copy. What was committed can be taken back.`}
      </ConfirmDialog>
      {uploads.question}
      <ConfirmDialog
        opened={isDiscarding}
        onClose={() => setDiscarding(false)}
        title="Begin the working copy anew"
        action="Throw away and begin anew"
        busy={isAnew}
        onConfirm={onAnew}
      >
        What you haven't pushed is lost, commits too, and your terminals end. The working copy is made anew of the
        branch.
      </ConfirmDialog>
      <Unsaved
        when={documents.dirty.length > 0}
        what="What you changed in files"
        onDiscard={() => forgetEdits(edits)}
      />
    </div>
  );
}
