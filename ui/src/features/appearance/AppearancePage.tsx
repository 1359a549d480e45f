import { Button } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { ifMatch } from "@/api/client";
import { changeWorkspace } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import { isCode } from "@/api/problem";
import { ME, queryClient, refresh, useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Note, notice, PageTitle, Unsaved } from "@/kit";
import css from "./appearance.module.css";
import { ColorField } from "./ColorField";
import { ContrastTable } from "./ContrastTable";
import { LogoField } from "./LogoField";
import { Preview } from "./Preview";
import { kept } from "./swatches";

export function AppearancePage() {
  const workspace = useWorkspace();
  const [text, setText] = useState(workspace.primary_color);
  const before = useRef(workspace.primary_color);
  // Saved by somebody else while the field was untouched: it shows what is there now.
  useEffect(() => {
    const old = before.current;
    before.current = workspace.primary_color;
    setText((now) => (kept(now) === old ? workspace.primary_color : now));
  }, [workspace.primary_color]);

  const color = kept(text);
  const shown = color ?? workspace.primary_color;
  const isChanged = color !== workspace.primary_color;
  const save = useAct<string, Workspace>(workspace.slug, {
    act: (primary_color) => changeWorkspace(workspace.slug, { primary_color }, ifMatch(workspace.etag)),
    nouns: ["workspace", "audit"],
    onDone: (saved) => {
      setText(saved.primary_color);
      queryClient.setQueryData([workspace.slug, "workspace"], saved);
      void queryClient.invalidateQueries({ queryKey: ME, exact: true });
      void notice("Saved");
    },
  });
  const isLate = isCode(save.error, "precondition_failed");
  useEffect(() => {
    if (isLate) void refresh(workspace.slug, "workspace");
  }, [isLate, workspace.slug]);
  const problem = save.error && !save.error.field("primary_color") ? save.error : null;
  return (
    <div className={css.appearance}>
      <PageTitle
        title="Appearance"
        sentence="The logo and one colour. They show in the sidebar, the header, invitations and the browser tab."
      />
      <div className={css.columns}>
        <div className={css.fields}>
          <LogoField workspace={workspace} />
          <ColorField text={text} onChange={setText} error={save.error?.field("primary_color")} />
          <ContrastTable color={shown} />
        </div>
        <Preview workspace={workspace} color={shown} />
      </div>
      <Unsaved when={isChanged} what="The colour" />
      {isChanged && (
        <div className={css.foot}>
          {problem && (
            <Note tone="bad">
              {isLate
                ? "Somebody changed the workspace meanwhile. What is there now has been loaded; save again to replace the colour."
                : problem.detail}
            </Note>
          )}
          <div className={css.footRow}>
            <span className={css.change}>
              Colour
              <span className={css.dot} style={{ background: workspace.primary_color }} aria-hidden />
              <code>{workspace.primary_color}</code>
              <IconArrowRight size={15} stroke={1.75} aria-label="becomes" />
              <span className={css.dot} style={color ? { background: color } : undefined} aria-hidden />
              <code>{color ?? "not a colour"}</code>
            </span>
            <Button
              onClick={() => {
                setText(workspace.primary_color);
                save.reset();
              }}
            >
              Discard
            </Button>
            <Button
              variant="filled"
              disabled={!color}
              title={color ? undefined : "Write a colour first"}
              loading={save.isPending}
              onClick={() => color && save.mutate(color)}
            >
              Save appearance
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}
