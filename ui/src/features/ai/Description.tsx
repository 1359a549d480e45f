import { Button, CloseButton } from "@mantine/core";
import { IconInfoCircle, IconLoader2, IconPlayerStop, IconSparkles } from "@tabler/icons-react";
import { useEffect, useId, useRef } from "react";
import { type DescriptionWish, getDescribeMergeUrl } from "@/api/generated";
import { Note } from "@/kit";
import css from "./ai.module.css";
import { blocks, plainText } from "./answer";
import { Copy, Drawn } from "./Explanation";
import { useExplanation } from "./useExplanation";

type Props = { workspace: string; project: string; wish: DescriptionWish; onClose: () => void };

/** What a model says of a merge before it is done. It changes nothing, and is left by closing it. */
export function Description({ workspace, project, wish, onClose }: Props) {
  const { explained, stop, again } = useExplanation(getDescribeMergeUrl(workspace, project), wish);
  const { state, text, problem } = explained;
  const title = useId();
  const head = useRef<HTMLHeadingElement>(null);
  const isUnderWay = state === "reading" || state === "telling";
  // Whoever asked by keyboard goes on here.
  useEffect(() => head.current?.focus({ preventScroll: true }), []);
  return (
    <section className={css.explanation} aria-labelledby={title}>
      <header>
        <IconSparkles size={17} stroke={1.75} aria-hidden />
        <h2 id={title} ref={head} tabIndex={-1}>
          Description
        </h2>
        {state === "done" && <Copy text={plainText(text)} what="description" />}
        <CloseButton aria-label="Close the description" onClick={onClose} />
      </header>
      <div className={css.told} aria-busy={isUnderWay}>
        {blocks(text).map((block, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an answer only grows at its end
          <Drawn key={index} block={block} evidence={new Map()} shown={(one) => one.line} />
        ))}
        {problem && (
          <Note tone="bad">
            {problem.detail}{" "}
            <Button variant="transparent" onClick={again}>
              Try again
            </Button>
          </Note>
        )}
        {state === "stopped" && (
          <p className={css.quiet}>
            Stopped.{" "}
            <Button variant="transparent" onClick={again}>
              Describe again
            </Button>
          </p>
        )}
      </div>
      <footer>
        {isUnderWay ? (
          <>
            <IconLoader2 size={15} className="turning" aria-hidden />
            <span role="status">{state === "reading" ? "Reading the merge" : "Describing"}</span>
            <Button data-size="xs" leftSection={<IconPlayerStop size={15} stroke={1.75} aria-hidden />} onClick={stop}>
              Stop
            </Button>
          </>
        ) : (
          <>
            <IconInfoCircle size={15} stroke={1.75} aria-hidden />
            <span role="status">
              {text === "" ? "Nothing was changed." : "By AI from the difference. It can be wrong; nothing was merged."}
            </span>
          </>
        )}
      </footer>
    </section>
  );
}
