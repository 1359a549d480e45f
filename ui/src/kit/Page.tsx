import { IconLock } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Go } from "./Go";
import css from "./kit.module.css";
import { useTitle } from "./useTitle";

type PageTitleProps = {
  title: string;
  sentence?: ReactNode;
  actions?: ReactNode;
  beside?: ReactNode;
  /** A picture before the title. */
  tile?: ReactNode;
  /** A line of facts below the title. */
  facts?: ReactNode;
  /** Tabs follow at once. */
  isTight?: boolean;
};

/** A page's title, its one sentence and its actions; also names the browser's tab. */
export function PageTitle(props: PageTitleProps) {
  useTitle(props.title);
  return (
    <header className={`${css.title} ${props.isTight ? css.tight : ""}`}>
      <div className={css.titleText}>
        <div className={css.titleLine}>
          {props.tile}
          <h1>{props.title}</h1>
          {props.beside}
        </div>
        {props.sentence && <p>{props.sentence}</p>}
        {props.facts}
      </div>
      {props.actions && <div className={css.actions}>{props.actions}</div>}
    </header>
  );
}

export type Tab = { key: string; name: string; to: string; count?: number | string | undefined; isLocked?: boolean };

/** The pages of one thing, each with an address of its own. */
export function Tabs({ label, tabs, current }: { label: string; tabs: Tab[]; current: string }) {
  const strip = useCurrentInSight<HTMLElement>(current);
  return (
    <nav ref={strip} className={css.tabs} aria-label={label}>
      {tabs.map((tab) => (
        <Go key={tab.key} to={tab.to} aria-current={tab.key === current ? "page" : undefined}>
          {tab.isLocked && <IconLock size={15} stroke={1.75} aria-label="Not allowed" />}
          {tab.name}
          {tab.count !== undefined && <span className="numbers">{tab.count}</span>}
        </Go>
      ))}
    </nav>
  );
}

/** For a strip that is wider than the page: what is open stands in sight. */
export function useCurrentInSight<E extends HTMLElement>(current: string) {
  const strip = useRef<E>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked for when another one is open
  useEffect(() => {
    const show = () => {
      const open = strip.current?.querySelector<HTMLElement>("[aria-current]");
      if (!strip.current || !open || strip.current.scrollWidth <= strip.current.clientWidth) return;
      strip.current.scrollLeft = open.offsetLeft - (strip.current.clientWidth - open.offsetWidth) / 2;
    };
    show();
    // A phone that is turned.
    addEventListener("resize", show);
    return () => removeEventListener("resize", show);
  }, [current]);
  return strip;
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

/**
 * A table on wide pages, cards on narrow ones; with `isOwnWidth` its own styles say when. `head` names the columns, an
 * empty one needs no name.
 */
export function Table(props: {
  head: ReactNode[];
  label: string;
  isOwnWidth?: boolean;
  /** Columns of figures, which stand at the right; their cells say `data-figures`. */
  figures?: string[];
  children: ReactNode;
}) {
  return (
    <table className={`${css.table} ${props.isOwnWidth ? "" : css.cards}`} aria-label={props.label}>
      <thead>
        <tr>
          {props.head.map((name, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: columns never move, and two may have no name
            <th key={index} scope="col" data-figures={props.figures?.includes(String(name)) || undefined}>
              {name || <span className="visually-hidden">Actions</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}
