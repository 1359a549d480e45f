import { Button } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import type { Tagged } from "@/api/client";
import { restartInstance } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { Failed, LoadingRows, Note, reasonAgainst } from "@/kit";
import { Access, Protection } from "./Access";
import { Domains } from "./Domains";
import { Environment } from "./Environment";
import { History } from "./History";
import { Backups, Branch, Health, Limits } from "./Parts";
import { AFTER, useSettings } from "./queries";
import type { Here } from "./SettingForm";
import css from "./settings.module.css";

const PLACES = [
  ["environment", "Environment"],
  ["domains", "Domains"],
  ["branch", "Branch"],
  ["health", "Health check"],
  ["limits", "Limits"],
  ["backups", "Backup schedule"],
  ["access", "Protection and visibility"],
  ["history", "History"],
] as const;

/** What is set of one instance: each part saved by itself, and what was changed before. */
export function SettingsTab({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  const settings = useSettings(workspace, instance.id);
  if (settings.error && !settings.data)
    return <Failed error={settings.error} retry={() => void settings.refetch()} home={workspace} inline />;
  if (!settings.data) return <LoadingRows rows={6} />;
  const here: Here = { workspace, instance, settings: settings.data };
  return (
    <div className={css.layout}>
      <nav className={css.nav} aria-label="Settings of the instance">
        {PLACES.map(([id, name]) => (
          <button
            key={id}
            type="button"
            onClick={() => {
              const place = document.getElementById(id);
              place?.scrollIntoView({ block: "start" });
              place?.querySelector<HTMLElement>("input, textarea, button")?.focus({ preventScroll: true });
            }}
          >
            {name}
          </button>
        ))}
      </nav>
      <div className={css.parts}>
        {settings.data.restart_needed && <RestartNeeded workspace={workspace} instance={instance} />}
        {settings.data.is_mail_off && (
          <Note tone="warn">
            Its data came from production, so no mail goes out: mail servers are closed to it, and it is told so by{" "}
            <code>STOA_MAIL=off</code>.
          </Note>
        )}
        {viewing() && (
          <p className={css.quiet}>You look on as a member: what is set here can be read, and not changed.</p>
        )}
        <fieldset className={css.all} disabled={viewing() !== null}>
          <Environment here={here} />
          <Domains here={here} />
          <Branch here={here} />
          <Health here={here} />
          <Limits here={here} />
          <Backups here={here} />
          <Access here={here} />
          {instance.may.includes("manage") && <Protection workspace={workspace} instance={instance} />}
        </fieldset>
        <History here={here} />
      </div>
    </div>
  );
}

function RestartNeeded({ workspace, instance }: { workspace: string; instance: Tagged<Instance> }) {
  const restart = useAct<void>(workspace, {
    act: () => restartInstance(workspace, instance.id, { mode: "hard" }),
    nouns: [...AFTER],
  });
  const against = reasonAgainst(instance, "restart");
  return (
    <Note tone="warn">
      <div className={css.restart}>
        <span>
          What runs was started with other settings. A hard restart takes these over.
          {against && ` ${against.kind === "missing" ? "Ask somebody who may restart it." : against.detail}`}
          {restart.error && ` ${restart.error.detail}`}
        </span>
        {!against && (
          <Button
            leftSection={<IconRefresh size={16} stroke={1.75} aria-hidden />}
            loading={restart.isPending}
            onClick={() => restart.mutate()}
          >
            Restart now
          </Button>
        )}
      </div>
    </Note>
  );
}
