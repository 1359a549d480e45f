import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
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
  return (
    <div className={css.copy}>
      <pre>{text}</pre>
      <CopyButton value={text} timeout={2000}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? "Copied" : label}>
            <ActionIcon onClick={copy} aria-label={copied ? "Copied" : label} size={28}>
              {copied ? <IconCheck size={16} stroke={1.75} /> : <IconCopy size={16} stroke={1.75} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    </div>
  );
}
