import { Chip } from "@/kit";
import { unusualIn } from "./letters";
import css from "./members.module.css";

const SENTENCE = "Not all letters of this address are plain ones: it may look like another address.";

/** Beside an address that may look like another one: that it does, and how it is written. Nothing beside others. */
export function Unusual({ email }: { email: string }) {
  const found = unusualIn(email);
  if (!found) return null;
  return (
    <span className={css.unusual} title={SENTENCE}>
      <Chip tone="warn">Unusual letters</Chip>
      <span className="visually-hidden">{SENTENCE}</span>
      {found.written && <code>{found.written}</code>}
      {found.letters.length > 0 && <code>{found.letters.join(", ")}</code>}
    </span>
  );
}
