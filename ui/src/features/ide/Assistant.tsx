import { ActionIcon, Button, CloseButton, Textarea } from "@mantine/core";
import { IconArrowUp, IconCheck, IconFileDiff, IconSparkles, IconX } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { type Edited, type EditPart, type EditWish, getProposeEditUrl } from "@/api/generated";
import { Told, UnderWay } from "@/features/ai/Told";
import { isUnderWay, type Reads, useAnswer } from "@/features/ai/useAnswer";
import { Note } from "@/kit";
import css from "./assistant.module.css";
import { counted, edited, type Lines } from "./edited";
import { nameOf, type Place } from "./files";
import { Difference } from "./later";
import type { Documents } from "./useDocuments";

type Turn = { number: number; path: string; text: string; instruction: string; lines: Lines | null };

type Props = {
  place: Place;
  documents: Documents;
  /** The file that is looked at, and the lines that are selected in it. */
  active: string | undefined;
  lines: Lines | null;
  /** What was asked goes on, and stays, while it is put away. */
  isShown: boolean;
  onShow: (path: string) => void;
  onClose: () => void;
};

/** Letters of what is to be changed. */
const LONGEST = 2000;

/** Beside the editor: what is to be changed is told in words, and comes back as a difference to accept or refuse. */
export function Assistant({ place, documents, active, lines, isShown, onShow, onClose }: Props) {
  const [turns, setTurns] = useState<Turn[]>([]);
  const [instruction, setInstruction] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isShown) field.current?.focus({ preventScroll: true });
  }, [isShown]);
  const count = turns.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was asked last is in sight
  useEffect(() => {
    // Nothing is given back: browsers answer this with a promise, which is no clean-up.
    end.current?.scrollIntoView({ block: "nearest" });
  }, [count]);
  const file = active === undefined ? undefined : documents.find(active);
  const isText = file?.kind === "text";
  const ask = () => {
    const text = file?.state?.doc.toString() ?? file?.text;
    const what = instruction.trim();
    if (!isText || active === undefined || text === undefined || what === "") return;
    setTurns((before) => [...before, { number: before.length, path: active, text, instruction: what, lines }]);
    setInstruction("");
  };
  return (
    <aside className={css.assistant} aria-label="Assistant" hidden={!isShown}>
      <header>
        <IconSparkles size={16} stroke={1.75} aria-hidden />
        <h2>Assistant</h2>
        <CloseButton aria-label="Close the assistant" onClick={onClose} />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys have to reach it */}
      <section className={css.turns} tabIndex={0} aria-label="What was asked">
        {turns.length === 0 && (
          <p className={css.quiet}>
            Say what is to be changed in the file that is open, or in the lines that you select. You see the difference
            first; accepting it changes the text in the editor, and you save it.
          </p>
        )}
        {turns.map((turn) => (
          <Asked key={turn.number} place={place} turn={turn} documents={documents} onShow={onShow} />
        ))}
        <div ref={end} />
      </section>
      <form
        className={css.ask}
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <Textarea
          ref={field}
          aria-label="What is to be changed"
          placeholder="Describe an edit"
          autosize
          minRows={1}
          maxRows={6}
          maxLength={LONGEST}
          value={instruction}
          onChange={(event) => setInstruction(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            ask();
          }}
          rightSection={
            <ActionIcon
              type="submit"
              size={28}
              aria-label="Propose the edit"
              disabled={!isText || instruction.trim() === ""}
            >
              <IconArrowUp size={16} stroke={1.75} aria-hidden />
            </ActionIcon>
          }
        />
        <p className={css.about}>
          {isText && active ? about(active, lines) : "Open a text file first."} Secrets are taken out before it leaves.
        </p>
      </form>
    </aside>
  );
}

function about(path: string, lines: Lines | null): string {
  if (!lines) return `All of ${nameOf(path)}.`;
  return lines.from === lines.to
    ? `Line ${lines.from} of ${nameOf(path)}.`
    : `Lines ${lines.from} to ${lines.to} of ${nameOf(path)}.`;
}

const READS: Reads<EditPart, { lines: number; edit: Edited | null }> = {
  nothing: { lines: 0, edit: null },
  take: (found, { writing, edit }) => ({ lines: writing ?? found.lines, edit: edit ?? found.edit }),
};

type AskedProps = { place: Place; turn: Turn; documents: Documents; onShow: (path: string) => void };

/** One wish, the words on it, and the difference. */
function Asked({ place, turn, documents, onShow }: AskedProps) {
  const { path, text, instruction, lines } = turn;
  const wish: EditWish = { path, text, instruction, ...lines };
  const answer = useAnswer(getProposeEditUrl(place.workspace, place.instance), wish, READS);
  const { edit, lines: written } = answer.found;
  const busy = written > 0 ? `Writing line ${written}` : answer.state === "reading" ? "Reading the file" : "Thinking";
  return (
    <div className={css.turn}>
      <p className={css.wish}>{instruction}</p>
      <Told answer={answer} again="Propose again" />
      {isUnderWay(answer) && (
        <div className={css.underWay}>
          <UnderWay words={busy} stop={answer.stop} />
        </div>
      )}
      {answer.state === "done" && edit && <Proposed turn={turn} edit={edit} documents={documents} onShow={onShow} />}
    </div>
  );
}

type ProposedProps = { turn: Turn; edit: Edited; documents: Documents; onShow: (path: string) => void };

/** The difference, which changes the text in the editor when it is accepted, and nothing else. */
function Proposed({ turn: { path, text }, edit, documents, onShow }: ProposedProps) {
  const [decided, setDecided] = useState<"accepted" | "refused" | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const after = edited(text, edit);
  const { added, removed } = counted(text, after);
  if (after === text) return <p className={css.quiet}>It proposes no change.</p>;
  const accept = () => {
    const file = documents.find(path);
    const now = file?.state?.doc.toString() ?? file?.text;
    if (file?.kind !== "text") return setProblem(`Open ${nameOf(path)} again to accept this.`);
    // What was typed since is nobody's to write over.
    if (now !== text) return setProblem(`${nameOf(path)} was changed since this was proposed. Have it proposed again.`);
    documents.change(path, { edit });
    onShow(path);
    setDecided("accepted");
  };
  return (
    <section className={css.card} aria-label={`Proposed for ${path}`}>
      <div className={css.cardHead}>
        <IconFileDiff size={15} stroke={1.75} aria-hidden />
        <span title={path}>{nameOf(path)}</span>
        <span className={css.added}>
          <span className="visually-hidden">lines added: </span>+{added}
        </span>
        <span className={css.removed}>
          <span className="visually-hidden">lines removed: </span>−{removed}
        </span>
      </div>
      <Difference path={path} before={text} after={after} />
      {edit.missing_secrets > 0 && (
        <div className={css.cardNote}>
          <Note tone="warn">
            {edit.missing_secrets === 1 ? "A secret" : `${edit.missing_secrets} secrets`} that stood here would be gone.
          </Note>
        </div>
      )}
      {problem && (
        <div className={css.cardNote} role="alert">
          <Note tone="bad">{problem}</Note>
        </div>
      )}
      <div className={css.cardFoot}>
        {decided === null ? (
          <>
            <Button
              size="xs"
              variant="filled"
              leftSection={<IconCheck size={15} stroke={1.75} aria-hidden />}
              onClick={accept}
            >
              Accept
            </Button>
            <Button
              size="xs"
              leftSection={<IconX size={15} stroke={1.75} aria-hidden />}
              onClick={() => setDecided("refused")}
            >
              Refuse
            </Button>
            <span className={css.quiet}>Nothing is changed until you accept.</span>
          </>
        ) : (
          <span role="status" className={css.quiet}>
            {decided === "accepted"
              ? `Accepted: it stands in the editor. Save ${nameOf(path)} to keep it.`
              : "Refused: nothing was changed."}
          </span>
        )}
      </div>
    </section>
  );
}
