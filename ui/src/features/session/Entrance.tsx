import { IconBuildingBank } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { WorkspaceLogo } from "@/kit";
import css from "./session.module.css";

const COLUMNS = [0, 1, 2, 3, 4];

/** The one ornament of the product, in the fill; it goes where there is no room for it. */
function Colonnade({ address }: { address: string }) {
  return (
    <div className={css.colonnade} aria-hidden>
      <svg viewBox="0 0 720 900" preserveAspectRatio="none" fill="currentColor">
        <title>Columns</title>
        <rect y="58" width="720" height="26" opacity="0.06" />
        <rect y="90" width="720" height="36" opacity="0.1" />
        <rect y="830" width="720" height="70" opacity="0.1" />
        {COLUMNS.map((column) => (
          <g key={column} opacity={0.06 + column * 0.03} transform={`translate(${28 + column * 138} 0)`}>
            <rect y="132" width="112" height="12" />
            <rect x="8" y="150" width="96" height="8" />
            {[0, 1, 2, 3, 4].map((flute) => (
              <rect key={flute} x={18 + flute * 15.6} y="164" width="13" height="628" />
            ))}
            <rect x="8" y="798" width="96" height="8" />
            <rect y="812" width="112" height="12" />
          </g>
        ))}
      </svg>
      <div className={css.address}>{address}</div>
    </div>
  );
}

/** Sign-in, set-up and invitation: the form at the left, the colonnade at the right. */
export function Entrance(props: {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
  workspace?: { slug?: string; name: string; logo_url: string | null };
  /** Whoever comes knows it: its name above is enough. */
  isKnown?: boolean;
}) {
  const name = props.workspace?.name ?? "Stoa";
  return (
    <div className={css.split}>
      <main className={css.side}>
        <div className={css.brand}>
          <WorkspaceLogo name={name} url={props.workspace?.logo_url ?? null} size={26} />
          {name}
        </div>
        <div className={css.middle}>
          {props.workspace && !props.isKnown && (
            <div className={css.logo}>
              <WorkspaceLogo name={name} url={props.workspace.logo_url} size={56} />
            </div>
          )}
          <h1>{props.title}</h1>
          {props.lead && <p className={css.lead}>{props.lead}</p>}
          {props.children}
        </div>
        {props.workspace && (
          <div className={css.foot}>
            <IconBuildingBank size={14} stroke={1.75} aria-hidden />
            Runs on Stoa
          </div>
        )}
      </main>
      <Colonnade address={[location.host, props.workspace?.slug].filter(Boolean).join("/")} />
    </div>
  );
}
