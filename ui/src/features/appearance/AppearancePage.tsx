import { Button } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeWorkspace } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import { isCode, problemOf } from "@/api/problem";
import { ME, queryClient, refresh, useAct } from "@/api/queries";
import { useWorkspace } from "@/frame/useWorkspace";
import { Note, notice, PageTitle, Unsaved, WaitingButton, WorkspaceLogo } from "@/kit";
import css from "./appearance.module.css";
import { ColorField } from "./ColorField";
import { ContrastTable } from "./ContrastTable";
import { LogoField } from "./LogoField";
import { saveLogo, tagOfLogo } from "./logo";
import { Preview } from "./Preview";
import { kept } from "./swatches";

/** A logo that waits to be saved: a picture with an address in this page alone, or none. */
type Waiting = { picture: Blob | null; url: string | null; tag: Promise<HeadersInit> };

export function AppearancePage() {
  const workspace = useWorkspace();
  const { slug } = workspace;
  const [text, setText] = useState(workspace.primary_color);
  const [logo, setLogo] = useState<Waiting | null>(null);
  const before = useRef(workspace.primary_color);
  // Saved by somebody else while the field was untouched: it shows what is there now.
  useEffect(() => {
    const old = before.current;
    before.current = workspace.primary_color;
    setText((now) => (kept(now) === old ? workspace.primary_color : now));
  }, [workspace.primary_color]);
  useEffect(
    () => () => {
      if (logo?.url) URL.revokeObjectURL(logo.url);
    },
    [logo],
  );

  const color = kept(text);
  const shown = color ?? workspace.primary_color;
  const isRecoloured = color !== workspace.primary_color;
  // Taking away what isn't there changes nothing.
  const isOther = logo !== null && (logo.picture !== null || workspace.logo_url !== null);
  const isChanged = isRecoloured || isOther;
  const seen = isOther ? { ...workspace, logo_url: logo.url } : workspace;
  const leave = () => {
    // What was pressed goes with the foot.
    document.getElementById("main")?.focus({ preventScroll: true });
  };

  const recolour = useAct<string, Workspace>(slug, {
    act: (primary_color) => changeWorkspace(slug, { primary_color }, ifMatch(workspace.etag)),
    nouns: ["audit"],
    onDone: (saved) => {
      setText(saved.primary_color);
      queryClient.setQueryData<Tagged<Workspace>>([slug, "workspace"], saved);
    },
  });
  const relogo = useAct<Waiting>(slug, {
    // What it was made from couldn't be told then: it is asked for now.
    act: async ({ picture, tag }) => saveLogo(slug, picture, await tag.catch(() => tagOfLogo(slug))),
    nouns: ["workspace", "audit"],
    onDone: () => setLogo(null),
  });
  const save = async () => {
    try {
      let sent = logo;
      if (isRecoloured && color) {
        const saved = await recolour.mutateAsync(color);
        // The initials stand on the colour: they are others now, and it is known whose doing that is.
        if (sent && saved.logo_url === null) {
          sent = { ...sent, tag: tagOfLogo(slug) };
          setLogo(sent);
        }
      }
      if (isOther && sent) await relogo.mutateAsync(sent);
    } catch (failure) {
      if (!isCode(problemOf(failure), "precondition_failed")) return;
      // Made anew from what is there now, once that was seen.
      setLogo((now) => now && { ...now, tag: tagOfLogo(slug) });
      return refresh(slug, "workspace");
    } finally {
      void queryClient.invalidateQueries({ queryKey: ME, exact: true });
    }
    leave();
    void notice("Saved");
  };
  const change = (picture: Blob | null) => {
    relogo.reset();
    const tag = tagOfLogo(slug);
    // Whoever saves hears of it.
    tag.catch(() => {});
    setLogo({ picture, url: picture && URL.createObjectURL(picture), tag });
  };
  const discard = () => {
    setText(workspace.primary_color);
    setLogo(null);
    recolour.reset();
    relogo.reset();
    leave();
  };

  const isLate = isCode(recolour.error, "precondition_failed");
  const ofColor = recolour.error && !recolour.error.field("primary_color") ? recolour.error.detail : null;
  const ofLogo = isCode(relogo.error, "precondition_failed")
    ? "Somebody changed the logo meanwhile. Look at it, then save again to replace it."
    : relogo.error?.detail;
  return (
    <div className={css.appearance}>
      <PageTitle
        title="Appearance"
        sentence="The logo and one colour. They show in the sidebar, the header, invitations and the browser tab."
      />
      <div className={css.columns}>
        <div className={css.fields}>
          <LogoField name={workspace.name} logo={seen.logo_url} color={shown} onChange={change} error={ofLogo} />
          <ColorField text={text} onChange={setText} error={recolour.error?.field("primary_color")} />
          <ContrastTable color={shown} />
        </div>
        <Preview workspace={seen} color={shown} />
      </div>
      <Unsaved when={isChanged} what="What you changed of the appearance" />
      {isChanged && (
        <div className={css.foot}>
          {ofColor && (
            <Note tone="bad">
              {isLate
                ? "Somebody changed the workspace meanwhile. What is there now has been loaded; save again to replace the colour."
                : ofColor}
            </Note>
          )}
          {ofLogo && (
            <Note tone="bad">
              {recolour.isSuccess && "The colour is saved, the logo isn't. "}
              {ofLogo}
            </Note>
          )}
          <div className={css.footRow}>
            {isOther && (
              <span className={css.change}>
                Logo
                <WorkspaceLogo name={workspace.name} url={workspace.logo_url} of={workspace.primary_color} size={26} />
                <IconArrowRight size={15} stroke={1.75} aria-label="becomes" />
                <WorkspaceLogo name={workspace.name} url={logo.url} of={shown} size={26} />
                {!logo.picture && "the initials"}
              </span>
            )}
            {isRecoloured && (
              <span className={css.change}>
                Colour
                <span className={css.dot} style={{ background: workspace.primary_color }} aria-hidden />
                <code>{workspace.primary_color}</code>
                <IconArrowRight size={15} stroke={1.75} aria-label="becomes" />
                <span className={css.dot} style={color ? { background: color } : undefined} aria-hidden />
                <code>{color ?? "not a colour"}</code>
              </span>
            )}
            <span className={css.footActs}>
              <Button onClick={discard}>Discard</Button>
              <WaitingButton
                variant="filled"
                why={color ? undefined : "Write a colour first"}
                loading={recolour.isPending || relogo.isPending}
                onClick={() => void save()}
              >
                Save appearance
              </WaitingButton>
            </span>
          </div>
        </div>
      )}
    </div>
  );
}
