import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { copyText } from "./copyText";
import css from "./kit.module.css";

/** The first seven letters of a commit; the whole on hover. */
export function ShortCommit({ commit }: { commit: string }) {
  return (
    <code className={css.short} title={commit}>
      {commit.slice(0, 7)}
    </code>
  );
}

/** A whole command, link or secret, to copy. */
export function CodeToCopy({ text, label }: { text: string; label: string }) {
  const shown = useRef<HTMLPreElement>(null);
  const [outcome, setOutcome] = useState<boolean | null>(null);
  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => setOutcome(null), 2000);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    if (shown.current) setOutcome(await copyText(shown.current));
  };
  const said = outcome === null ? label : outcome ? "Copied" : "Selected: copy it with Ctrl C";
  return (
    <div className={css.copy}>
      <pre ref={shown}>{text}</pre>
      <Tooltip label={said}>
        <ActionIcon onClick={copy} aria-label={said} size={28}>
          {outcome ? <IconCheck size={16} stroke={1.75} /> : <IconCopy size={16} stroke={1.75} />}
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
