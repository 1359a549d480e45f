import { Button, CloseButton } from "@mantine/core";
import { IconCopy, IconDownload, IconLink, IconSparkles } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { flushSync } from "react-dom";
import { copyText, DisabledReason } from "@/kit";
import css from "./logs.module.css";
import type { Chosen } from "./useChosen";

/** What can be done with the lines that are chosen. */
type Props = {
  chosen: Chosen;
  /** Where they are downloaded as text. */
  href: string;
  /** Not all lines are shown, but those that fit. */
  isFiltered: boolean;
  onExplain?: () => void;
  onNone: () => void;
};

const NOT_KEPT = "What the link leads to isn't kept any more, or was never written.";
const NOT_SHOWN = "What the link leads to isn't among the lines that are shown.";

export function Choice({ chosen, href, isFiltered, onExplain, onNone }: Props) {
  const link = useRef<HTMLPreElement>(null);
  const text = useRef<HTMLPreElement>(null);
  // What was done with these lines isn't said of the next that are chosen.
  const [done, setDone] = useState({ of: "", words: "" });
  const [isAsked, setAsked] = useState(false);
  const { count, isSeveral, whyNot } = chosen;
  if (!chosen.ends) return null;
  if (chosen.isGone)
    return (
      <div className={`${css.choice} ${css.gone}`}>
        <span role="status">{isFiltered ? NOT_SHOWN : NOT_KEPT}</span>
        <CloseButton size={28} aria-label="Choose no line" onClick={onNone} />
      </div>
    );
  const of = chosen.ends.join();
  const copy = async (what: HTMLPreElement | null, word: string) => {
    if (what) setDone({ of, words: (await copyText(what)) ? `${word} copied` : "Selected: copy it with Ctrl C" });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a look of its own
    <div className={css.choice} role="group" aria-label="Chosen lines">
      <span role="status">
        {(done.of === of && done.words) ||
          (!isSeveral ? "1 line" : count === null ? "Several lines" : `${count.toLocaleString("en")} lines`)}
      </span>
      <Button
        variant="subtle"
        data-size="xs"
        leftSection={<IconLink size={15} stroke={1.75} aria-hidden />}
        onClick={() => void copy(link.current, "Link")}
      >
        Copy link
      </Button>
      <DisabledReason reason={whyNot}>
        <Button
          variant="subtle"
          data-size="xs"
          leftSection={<IconCopy size={15} stroke={1.75} aria-hidden />}
          aria-disabled={whyNot ? true : undefined}
          data-disabled={whyNot ? true : undefined}
          onClick={() => {
            if (whyNot) return;
            // Made only now: it may be long, and changes with each line that is chosen.
            flushSync(() => setAsked(true));
            void copy(text.current, "Text").finally(() => setAsked(false));
          }}
        >
          Copy text
        </Button>
      </DisabledReason>
      {whyNot && isSeveral && (
        <Button
          component="a"
          href={href}
          download
          variant="subtle"
          data-size="xs"
          leftSection={<IconDownload size={15} stroke={1.75} aria-hidden />}
        >
          Download
        </Button>
      )}
      {onExplain && (
        <Button
          variant="subtle"
          data-size="xs"
          leftSection={<IconSparkles size={15} stroke={1.75} aria-hidden />}
          onClick={onExplain}
        >
          Explain
        </Button>
      )}
      <CloseButton size={28} aria-label="Choose no line" onClick={onNone} />
      <pre ref={link} className="visually-hidden">
        {window.location.href}
      </pre>
      <pre ref={text} className="visually-hidden">
        {isAsked &&
          chosen
            .lines()
            .map(({ at, bare }) => `${at} ${bare}`)
            .join("\n")}
      </pre>
    </div>
  );
}
