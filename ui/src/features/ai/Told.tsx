import { Button } from "@mantine/core";
import { IconLoader2, IconPlayerStop } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Note } from "@/kit";
import css from "./ai.module.css";
import { blocks } from "./answer";
import { Drawn } from "./Drawn";
import { type Answer, isUnderWay } from "./useAnswer";

type Props = {
  answer: Answer<unknown>;
  /** What asks again once it was stopped. */
  again: string;
  /** In place of the words alone. */
  children?: ReactNode;
};

/** The words of an answer as far as they have come, and why no more do. */
export function Told({ answer, again, children }: Props) {
  const { state, text, problem } = answer;
  return (
    <div className={css.told} aria-busy={isUnderWay(answer)}>
      {children ?? <Words text={text} />}
      {problem && (
        <Note tone="bad">
          {problem.errors[0]?.detail ?? problem.detail}{" "}
          <Button variant="transparent" onClick={answer.again}>
            Ask again
          </Button>
        </Note>
      )}
      {state === "stopped" && (
        <p className={css.quiet}>
          Stopped.{" "}
          <Button variant="transparent" onClick={answer.again}>
            {again}
          </Button>
        </p>
      )}
    </div>
  );
}

/** Words that name no lines. */
function Words({ text }: { text: string }) {
  return blocks(text).map((block, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: an answer only grows at its end
    <Drawn key={index} block={block} evidence={new Map()} shown={(one) => one.line} />
  ));
}

/** What is being done, and what ends it. */
export function UnderWay({ words, stop }: { words: string; stop: () => void }) {
  return (
    <>
      <IconLoader2 size={15} className="turning" aria-hidden />
      <span role="status">{words}</span>
      <Button data-size="xs" leftSection={<IconPlayerStop size={15} stroke={1.75} aria-hidden />} onClick={stop}>
        Stop
      </Button>
    </>
  );
}
