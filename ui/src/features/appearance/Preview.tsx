import { IconBox, IconFolder, IconLayoutDashboard, IconUsers } from "@tabler/icons-react";
import type { Workspace } from "@/api/nouns";
import { WorkspaceLogo } from "@/kit";
import { declarationsOf } from "@/theme/brand";
import css from "./appearance.module.css";

const PLACES = [
  { word: "Overview", Icon: IconLayoutDashboard },
  { word: "Projects", Icon: IconFolder },
  { word: "Instances", Icon: IconBox, isOpen: true },
  { word: "Members", Icon: IconUsers },
];

const LINE = [
  26, 18, 30, 32, 24, 40, 36, 52, 66, 58, 70, 74, 62, 62, 70, 76, 64, 58, 46, 60, 48, 46, 30, 36, 20, 32, 20, 18, 42,
  26,
];

function Chart() {
  const step = 300 / (LINE.length - 1);
  const points = LINE.map((value, at) => `${(at * step).toFixed(1)},${88 - value}`).join(" ");
  return (
    <svg className={css.chart} viewBox="0 0 300 88" preserveAspectRatio="none" aria-hidden>
      <polygon className={css.area} points={`0,88 ${points} 300,88`} />
      <polyline className={css.line} points={points} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

function Page({ workspace, scheme }: { workspace: Workspace; scheme: "light" | "dark" }) {
  return (
    <div className={css.page} data-mantine-color-scheme={scheme} role="img" aria-label={`The page in ${scheme}`}>
      <div className={css.side} aria-hidden>
        <div className={css.who}>
          <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={26} />
          <span>{workspace.name}</span>
        </div>
        {PLACES.map(({ word, Icon, isOpen }) => (
          <div key={word} className={css.place} data-open={isOpen || undefined}>
            <Icon size={14} stroke={1.75} />
            {word}
          </div>
        ))}
      </div>
      <div className={css.body} aria-hidden>
        <div className={css.title}>
          <b>shop-staging</b> <span className={css.link}>staging.shop.example</span>
        </div>
        <Chart />
        <div className={css.row}>
          <span className={css.primary}>Deploy</span>
          <span className={`${css.primary} ${css.focused}`}>Focused</span>
          <span className={css.plain}>Cancel</span>
        </div>
      </div>
    </div>
  );
}

/** How the workspace would look, in both schemes, as an invitation and as a tab of the browser. */
export function Preview({ workspace, color }: { workspace: Workspace; color: string }) {
  return (
    <section aria-label="Preview" style={declarationsOf(color)}>
      <div className={css.previewHead}>
        <h2 className={css.heading}>Preview</h2>
        <span className={css.help}>Only you see this until you save</span>
      </div>
      <div className={css.previews}>
        <Page workspace={workspace} scheme="light" />
        <Page workspace={workspace} scheme="dark" />
        <div className={css.small} data-mantine-color-scheme="light">
          <div className={css.card}>
            <div className={css.cardHead}>Invitation e-mail</div>
            <div className={css.cardRow}>
              <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={26} />
              <span className={css.grow}>Join {workspace.name}</span>
              <span className={css.primary}>Accept</span>
            </div>
          </div>
          <div className={css.card}>
            <div className={css.cardHead}>Browser tab</div>
            <div className={css.cardRow}>
              <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={16} />
              <span className={css.grow}>shop, {workspace.name}</span>
            </div>
          </div>
        </div>
      </div>
    </section>
  );
}
