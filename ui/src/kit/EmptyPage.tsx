import type { ReactNode } from "react";
import css from "./kit.module.css";

/** A stoa with its rooms not yet filled: lines and one tinted door. */
function Stoa() {
  return (
    <svg className={css.stoa} viewBox="0 0 104 80" width="104" height="80" fill="none" aria-hidden>
      <title>Stoa</title>
      <path d="M6 30V24L52 4l46 20v6H6Z" />
      <path d="M14 34h76M10 70h84M4 75h96" />
      <path strokeDasharray="3 3" d="M20 34v36M32 34v36M72 34v36M84 34v36" />
      <rect x="43" y="37" width="18" height="33" />
    </svg>
  );
}

/** A whole page that holds nothing yet: what this is, and the one thing to do. */
export function EmptyPage({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={css.emptyPage}>
      <Stoa />
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}
