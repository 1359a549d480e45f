import { Button } from "@mantine/core";
import { IconTrash, IconUpload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type DragEvent, useRef, useState } from "react";
import { ask, call, type Tagged } from "@/api/client";
import { getChangeLogoUrl, getViewLogoUrl, removeLogo } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient, refresh } from "@/api/queries";
import { Note, notice, WorkspaceLogo } from "@/kit";
import css from "./appearance.module.css";
import { CropDialog } from "./later";
import { KINDS, refusalOf, tooManyPixels } from "./picture";

/** The tag of the logo that is worn now: what a change is made from. */
async function tagOfLogo(workspace: string): Promise<HeadersInit> {
  const answer = await ask(getViewLogoUrl(workspace), { method: "HEAD", headers: { Accept: "*/*" } });
  const etag = answer.headers.get("etag");
  return etag ? { "If-Match": etag } : {};
}

function put(workspace: string, picture: Blob, tag: HeadersInit): Promise<Tagged<Workspace>> {
  const headers = { ...tag, "Content-Type": picture.type };
  return call<Tagged<Workspace>>(getChangeLogoUrl(workspace), { method: "PUT", body: picture, headers });
}

/** The logo: chosen by a click on it, dropped, or by the button; a part of it is picked before it is sent. */
export function LogoField({ workspace }: { workspace: Workspace }) {
  const { slug, name, logo_url: logo } = workspace;
  const input = useRef<HTMLInputElement>(null);
  const tag = useRef<HeadersInit>({});
  const [file, setFile] = useState<File | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);

  const worn = async (saved?: Tagged<Workspace>) => {
    if (saved) queryClient.setQueryData([slug, "workspace"], saved);
    await Promise.all([
      queryClient.invalidateQueries({ queryKey: ME, exact: true }),
      refresh(slug, "workspace", "audit"),
    ]);
  };
  const change = useMutation<Tagged<Workspace>, Problem, Blob>({
    mutationFn: (picture) => put(slug, picture, tag.current),
    onSuccess: async (saved) => {
      setFile(null);
      await worn(saved);
      void notice("The logo is saved");
    },
  });
  const remove = useMutation<Blob, Problem>({
    mutationFn: async () => {
      // Kept until the page is left, so that it can be had back.
      const before = await (await ask(getViewLogoUrl(slug), { headers: { Accept: "image/png" } })).blob();
      await removeLogo(slug, { headers: await tagOfLogo(slug) });
      return before;
    },
    onSuccess: () => worn(),
  });
  const undo = useMutation<Tagged<Workspace>, Problem, Blob>({
    mutationFn: async (before) => put(slug, before, await tagOfLogo(slug)),
    onSuccess: async (saved) => {
      remove.reset();
      await worn(saved);
    },
  });

  const choose = async (chosen: File | undefined) => {
    if (!chosen) return;
    const why = refusalOf(chosen) ?? (await tooManyPixels(chosen));
    setRefusal(why);
    if (why) return;
    change.reset();
    remove.reset();
    try {
      tag.current = await tagOfLogo(slug);
    } catch {
      tag.current = {};
    }
    setFile(chosen);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void choose(event.dataTransfer.files[0]);
  };
  const failed = remove.error ?? undo.error;
  return (
    <section aria-label="Logo">
      <h2 className={css.heading}>Logo</h2>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is one of three ways; the others are buttons */}
      <div
        className={css.drop}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <button type="button" className={css.logo} onClick={() => input.current?.click()}>
          <span className="visually-hidden">{logo ? "Change the logo" : "Choose a logo"}</span>
          <WorkspaceLogo name={name} url={logo} size={72} />
        </button>
        <div>
          <div className={css.buttons}>
            <Button leftSection={<IconUpload size={16} stroke={1.75} />} onClick={() => input.current?.click()}>
              Upload
            </Button>
            {logo && (
              <Button
                variant="subtle"
                leftSection={<IconTrash size={16} stroke={1.75} />}
                loading={remove.isPending}
                onClick={() => remove.mutate()}
              >
                Remove
              </Button>
            )}
          </div>
          <p className={css.help}>
            Click the logo, or drop a file here. PNG, JPEG, WebP or SVG, at most 2 MiB and 4096 pixels a side.
          </p>
        </div>
        <input
          ref={input}
          type="file"
          hidden
          aria-label="Logo file"
          accept={KINDS.join(",")}
          onChange={(event) => {
            void choose(event.currentTarget.files?.[0]);
            // The same file may be chosen again.
            event.currentTarget.value = "";
          }}
        />
      </div>
      {refusal && <Note tone="bad">{refusal}</Note>}
      {failed && (
        <Note tone="bad">
          {isCode(failed, "precondition_failed")
            ? "Somebody changed the logo meanwhile. Look at it, then remove it again."
            : failed.detail}
        </Note>
      )}
      {remove.data && !logo && (
        <div className={css.undo} role="status">
          The logo is removed; the initials stand for {name} again.
          <Button
            variant="transparent"
            loading={undo.isPending}
            onClick={() => remove.data && undo.mutate(remove.data)}
          >
            Undo
          </Button>
        </div>
      )}
      {file && (
        <CropDialog
          key={`${file.name}-${file.size}-${file.lastModified}`}
          file={file}
          busy={change.isPending}
          problem={change.error}
          onClose={() => setFile(null)}
          onChosen={(picture) => change.mutate(picture)}
        />
      )}
    </section>
  );
}
