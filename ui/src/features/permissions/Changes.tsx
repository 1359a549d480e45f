import { IconClockHour4, IconMinus, IconPlus } from "@tabler/icons-react";
import { Chip } from "@/kit";
import { actionOf } from "@/kit/actions";
import { type Change, LISTS, type Lists } from "./difference";
import { endWords } from "./ends";

/** Chips beyond these are told by their number. */
const SHOWN = 40;

type NameOf = (list: Lists, id: string) => string;

function labelOf(change: Change, nameOf: NameOf): string {
  if (change.kind === "action") return actionOf(change.key)?.label ?? change.key;
  if (change.kind === "resource") return nameOf(change.list, change.id);
  const action = actionOf(change.key)?.label;
  return action ?? LISTS.map((list) => nameOf(list, change.key)).find((name) => name !== "…") ?? "…";
}

const keyOf = (change: Change) => (change.kind === "resource" ? change.id : `${change.kind} ${change.key}`);

/** A difference, change by change: what comes, what goes, what ends. */
export function Changes({ changes, nameOf, most = SHOWN }: { changes: Change[]; nameOf: NameOf; most?: number }) {
  return (
    <>
      {changes.slice(0, most).map((change) => {
        const label = labelOf(change, nameOf);
        if (change.kind === "end")
          return (
            <Chip key={keyOf(change)} tone="warn">
              <IconClockHour4 size={12} aria-hidden />
              {change.at ? `${label} until ${endWords(change.at)}` : `${label} never ends`}
            </Chip>
          );
        return (
          <Chip key={keyOf(change)} tone={change.added ? "good" : "bad"}>
            {change.added ? <IconPlus size={12} aria-label="added" /> : <IconMinus size={12} aria-label="taken away" />}
            {label}
          </Chip>
        );
      })}
      {changes.length > most && <Chip>and {changes.length - most} more</Chip>}
    </>
  );
}
