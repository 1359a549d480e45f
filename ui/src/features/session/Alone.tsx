import type { ReactNode } from "react";
import { Entrance } from "./Entrance";
import css from "./session.module.css";

/** One sentence and what to do next, in the frame of signing in: for links that lead here, and what became of them. */
export function Alone(props: { title: string; children: ReactNode; actions?: ReactNode }) {
  return (
    <Entrance title={props.title} lead={props.children}>
      {props.actions && <div className={css.actions}>{props.actions}</div>}
    </Entrance>
  );
}
