import type { ReactNode } from "react";
import css from "./kit.module.css";
import { useTitle } from "./useTitle";

/** A page's title, its one sentence and its actions; also names the browser's tab. */
export function PageTitle(props: { title: string; sentence?: ReactNode; actions?: ReactNode; beside?: ReactNode }) {
  useTitle(props.title);
  return (
    <header className={css.title}>
      <div>
        <div style={{ display: "flex", alignItems: "center", gap: 10, flexWrap: "wrap" }}>
          <h1>{props.title}</h1>
          {props.beside}
        </div>
        {props.sentence && <p>{props.sentence}</p>}
      </div>
      {props.actions && <div className={css.actions}>{props.actions}</div>}
    </header>
  );
}

export function Section(props: { title: string; count?: number | undefined; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.section} aria-label={props.title}>
      <div className={css.sectionHead}>
        <h2>{props.title}</h2>
        {props.count !== undefined && <span className={`${css.count} numbers`}>{props.count}</span>}
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}

export function Panel(props: { children: ReactNode; padded?: boolean; className?: string }) {
  return (
    <div className={`${css.panel} ${props.padded ? css.panelPadded : ""} ${props.className ?? ""}`}>
      {props.children}
    </div>
  );
}

/** One line of a panel; lines after the first are parted by a rule. */
export function Row(props: { children: ReactNode; className?: string }) {
  return <div className={`${css.row} ${props.className ?? ""}`}>{props.children}</div>;
}

/** A table on wide pages, cards on narrow ones. `head` names the columns, an empty one needs no name. */
export function Table(props: { head: string[]; label: string; children: ReactNode }) {
  return (
    <table className={`${css.table} ${css.cards}`} aria-label={props.label}>
      <thead>
        <tr>
          {props.head.map((name, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: columns never move, and two may have no name
            <th key={index} scope="col">
              {name || <span className="visually-hidden">Actions</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}
