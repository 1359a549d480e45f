import { TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ifMatch } from "@/api/client";
import { changeWorkspace } from "@/api/generated";
import type { Workspace } from "@/api/nouns";
import { isCode } from "@/api/problem";
import { ME, queryClient, useAct } from "@/api/queries";
import { SlugField } from "@/features/workspaces/SlugField";
import { useSlug } from "@/features/workspaces/useSlug";
import { useWorkspace } from "@/frame/useWorkspace";
import { Note, notice, PageTitle, Unsaved, WaitingButton } from "@/kit";
import css from "./settings.module.css";

export function General() {
  const workspace = useWorkspace();
  // Saved by somebody else while the form was untouched: it shows what is there now.
  return <Form key={workspace.id} />;
}

function Form() {
  const workspace = useWorkspace();
  const navigate = useNavigate();
  const [name, setName] = useState(workspace.name);
  const slug = useSlug(name, workspace.slug);
  const before = useRef({ name: workspace.name, slug: workspace.slug, etag: workspace.etag });
  const [isStale, setStale] = useState(false);

  useEffect(() => {
    const old = before.current;
    if (workspace.etag === old.etag) return;
    const isTouched = name !== old.name || slug.slug !== old.slug;
    before.current = { name: workspace.name, slug: workspace.slug, etag: workspace.etag };
    if (isTouched) return setStale(true);
    setName(workspace.name);
    slug.edit(workspace.slug);
  }, [workspace, name, slug]);

  const change = useAct<void, Workspace>(workspace.slug, {
    act: () =>
      changeWorkspace(
        workspace.slug,
        {
          ...(name !== workspace.name && { name }),
          ...(slug.slug !== workspace.slug && { slug: slug.slug }),
        },
        ifMatch(workspace.etag),
      ),
    nouns: ["workspace", "audit"],
    onDone: (saved) => {
      setStale(false);
      before.current = { name: saved.name, slug: saved.slug, etag: saved.etag };
      queryClient.setQueryData([saved.slug, "workspace"], saved);
      void queryClient.invalidateQueries({ queryKey: ME, exact: true });
      void notice("Saved");
      if (saved.slug !== workspace.slug)
        void navigate({
          to: "/$workspace/settings/{-$page}",
          params: { workspace: saved.slug, page: "general" },
          replace: true,
          ignoreBlocker: true,
        });
    },
  });
  const isChanged = name.trim() !== workspace.name || slug.slug !== workspace.slug;
  const ready = isChanged && name.trim().length > 0 && slug.isFree;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) change.mutate();
  };
  const ofSlug = change.error?.field("slug") ?? (isCode(change.error, "slug_taken") ? change.error?.detail : undefined);
  const general = change.error && change.error.errors.length === 0 && !ofSlug ? change.error : null;
  return (
    <>
      <PageTitle title="General" sentence="The workspace's name, and the address its pages live under." />
      <Unsaved when={isChanged} what="What you changed of the workspace" />
      <form className={css.form} onSubmit={submit}>
        {isStale && <Note tone="warn">Somebody changed the workspace meanwhile. What you save replaces that.</Note>}
        <TextInput
          label="Name"
          value={name}
          maxLength={80}
          required
          withAsterisk={false}
          onChange={(event) => setName(event.currentTarget.value)}
          error={name.trim() === "" ? "A workspace has a name of 1 to 80 characters." : change.error?.field("name")}
        />
        <SlugField state={slug} error={ofSlug} />
        {slug.slug !== workspace.slug && (
          <Note tone="warn">
            Members who open the old address are led on to the new one. Addresses of running instances don't change by
            themselves.
          </Note>
        )}
        {general && <Note tone="bad">{general.detail}</Note>}
        <div className={css.buttons}>
          <WaitingButton
            type="submit"
            variant="filled"
            why={
              ready
                ? undefined
                : name.trim() === ""
                  ? "Give it a name first"
                  : isChanged
                    ? "Choose a slug that is free first"
                    : "Change something first"
            }
            loading={change.isPending}
          >
            Save
          </WaitingButton>
        </div>
      </form>
    </>
  );
}
