import { ActionIcon, CloseButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy, IconInfoCircle, IconSparkles } from "@tabler/icons-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { copyText } from "@/kit";
import css from "./ai.module.css";
import { plainText } from "./answer";
import { Told, UnderWay } from "./Told";
import { type Answer, isUnderWay } from "./useAnswer";

type Props = {
  answer: Answer<unknown>;
  /** What it is: "Explanation". */
  title: string;
  /** Beside what is looked at, and not within it. */
  isAside?: boolean;
  /** How often it was asked for. */
  turn?: number;
  again: string;
  /** What is being done. */
  busy: string;
  /** What is said of it at its foot, once it has ended. */
  said: ReactNode;
  /** What can be done with it once it has ended. */
  after?: ReactNode;
  onClose: () => void;
  /** In place of the words alone. */
  children?: ReactNode;
};

/** An answer of a model with its head and foot. It changes nothing, and is left by closing it. */
export function AnswerPanel(props: Props) {
  const { answer, title, isAside = false, turn, again, busy, said, after, onClose, children } = props;
  const id = useId();
  const head = useRef<HTMLHeadingElement>(null);
  // Whoever asked by keyboard goes on here, each time.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another time when the turn is another
  useEffect(() => head.current?.focus({ preventScroll: true }), [turn]);
  const word = title.toLowerCase();
  const Frame = isAside ? "aside" : "section";
  return (
    <Frame className={css.explanation} aria-labelledby={id}>
      <header>
        <IconSparkles size={17} stroke={1.75} aria-hidden />
        <h2 id={id} ref={head} tabIndex={-1}>
          {title}
        </h2>
        {answer.state === "done" && <Copy text={plainText(answer.text)} what={word} />}
        <CloseButton aria-label={`Close the ${word}`} onClick={onClose} />
      </header>
      <Told answer={answer} again={again}>
        {children}
      </Told>
      <footer>
        {isUnderWay(answer) ? (
          <UnderWay words={busy} stop={answer.stop} />
        ) : (
          <>
            <IconInfoCircle size={15} stroke={1.75} aria-hidden />
            <span role="status">{answer.state !== "done" && answer.text === "" ? "Nothing was changed." : said}</span>
            {after}
          </>
        )}
      </footer>
    </Frame>
  );
}

function Copy({ text, what }: { text: string; what: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [isDone, setDone] = useState<boolean | null>(null);
  // It appears where the pointer rests, perhaps, and is asked about once that moves.
  const [isPointedAt, setPointedAt] = useState(false);
  const word = isDone === null ? `Copy the ${what}` : isDone ? "Copied" : "Selected: copy it with Ctrl C";
  const copy = async () => {
    if (shown.current) setDone(await copyText(shown.current));
  };
  return (
    <>
      <Tooltip label={word} events={{ hover: isPointedAt, focus: false, touch: false }}>
        <ActionIcon
          size={28}
          aria-label={word}
          onClick={() => void copy()}
          onPointerMove={({ movementX, movementY }) => {
            if (movementX || movementY) setPointedAt(true);
          }}
        >
          {isDone ? <IconCheck size={16} stroke={1.75} /> : <IconCopy size={16} stroke={1.75} />}
        </ActionIcon>
      </Tooltip>
      <pre ref={shown} className="visually-hidden">
        {text}
      </pre>
    </>
  );
}
