import { ActionIcon } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { IconMenu2, IconSearch } from "@tabler/icons-react";
import { useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import type { MyWorkspace, Workspace } from "@/api/nouns";
import { viewing } from "@/api/viewing";
import { later } from "@/kit/later";
import { usePhone } from "@/kit/usePhone";
import { Breadcrumbs } from "./Breadcrumbs";
import { ConnectionLine } from "./ConnectionLine";
import css from "./frame.module.css";
import { RunningWork } from "./RunningWork";
import { SchemeButton } from "./SchemeButton";
import { Sidebar } from "./Sidebar";
import { useFocusOnward } from "./useFocusOnward";

const ViewingBanner = later(async () => (await import("./ViewingBanner")).ViewingBanner);
const Palette = later(async () => (await import("@/features/palette/Palette")).Palette);

type Props = {
  workspace: Workspace | null;
  /** Whose pages these will be, while its own answer is on the way: no other name or colour is shown meanwhile. */
  soon?: MyWorkspace | undefined;
  isLoading?: boolean;
  /** Of a view that has ended nothing stands around what is said of it. */
  isEnded?: boolean;
  children: ReactNode;
};

/** Sidebar, header and the one part that scrolls. Without a workspace, only what belongs to the account. */
export function Shell(props: Props) {
  const [isMenuOpen, menu] = useDisclosure(false);
  const [isPaletteOpen, palette] = useDisclosure(false);
  const phone = usePhone();
  const { pathname } = useLocation();
  useHotkeys([["mod+K", palette.open]], []);
  useHotkeys([["Escape", menu.close]]);
  useFocusOnward(!props.isLoading);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that was chosen closes the drawer
  useEffect(menu.close, [pathname]);

  return (
    <div className={css.shell} data-menu={isMenuOpen || undefined}>
      <a className={css.skip} href="#main">
        Skip to the page
      </a>
      <header className={css.header}>
        <ActionIcon className={css.drawer ?? ""} onClick={menu.toggle} aria-label="Menu" aria-expanded={isMenuOpen}>
          <IconMenu2 size={18} stroke={1.75} />
        </ActionIcon>
        <Breadcrumbs workspace={props.workspace ?? props.soon ?? null} />
        <div className={css.headerRight}>
          {phone ? (
            <ActionIcon onClick={palette.open} aria-label="Search or run a command">
              <IconSearch size={18} stroke={1.75} />
            </ActionIcon>
          ) : (
            <button type="button" className={css.command} onClick={palette.open}>
              <IconSearch size={15} stroke={1.75} aria-hidden />
              <span>Search or run a command</span>
              <kbd>Ctrl K</kbd>
            </button>
          )}
          {props.workspace && <RunningWork workspace={props.workspace} />}
          <SchemeButton />
        </div>
      </header>
      <nav className={css.sidebar} aria-label="Main">
        <Sidebar
          workspace={props.workspace}
          soon={props.soon}
          isLoading={props.isLoading ?? false}
          onClose={menu.close}
        />
      </nav>
      {isMenuOpen && <button type="button" className={css.veil} aria-label="Close the menu" onClick={menu.close} />}
      <main id="main" tabIndex={-1} className={css.main}>
        {!props.isEnded && viewing() && <ViewingBanner workspace={props.workspace ?? props.soon ?? null} />}
        <ConnectionLine />
        <div className={css.content}>{props.children}</div>
      </main>
      {isPaletteOpen && <Palette workspace={props.workspace} onClose={palette.close} />}
    </div>
  );
}
