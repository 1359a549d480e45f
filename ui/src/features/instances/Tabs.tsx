import { Go } from "@/kit";
import css from "./instances.module.css";

export type Tab = { key: string; name: string; to: string };

/** The pages of one thing, each with an address of its own. */
export function Tabs({ label, tabs, current }: { label: string; tabs: Tab[]; current: string }) {
  return (
    <nav className={css.tabs} aria-label={label}>
      {tabs.map((tab) => (
        <Go key={tab.key} to={tab.to} aria-current={tab.key === current ? "page" : undefined}>
          {tab.name}
        </Go>
      ))}
    </nav>
  );
}
