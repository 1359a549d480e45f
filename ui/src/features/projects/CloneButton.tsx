import { Button, Popover } from "@mantine/core";
import { IconChevronDown, IconDownload } from "@tabler/icons-react";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Project } from "@/api/nouns";
import { viewing } from "@/api/viewing";
import { useIsUnproved } from "@/features/session/useWays";
import { useWorkspace } from "@/frame/useWorkspace";
import { CodeToCopy } from "@/kit";
import css from "./projects.module.css";

/** Where the repository is, for whoever may look into it: what to type, what git asks for then, and who may push. */
export function CloneButton({ project }: { project: Project }) {
  // A search for it leads here, and finds it open.
  const { clone } = useSearch({ strict: false }) as { clone?: unknown };
  const [isOpen, setOpen] = useState(clone !== undefined);
  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      position="bottom-end"
      width="min(480px, calc(100vw - 24px))"
      trapFocus
      returnFocus
      withinPortal
      shadow="md"
    >
      <Popover.Target>
        <Button
          leftSection={<IconDownload size={16} stroke={1.75} aria-hidden />}
          rightSection={<IconChevronDown size={14} stroke={1.75} aria-hidden />}
          onClick={() => setOpen(!isOpen)}
        >
          Clone
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={`Clone ${project.name}`}>
        <How project={project} />
      </Popover.Dropdown>
    </Popover>
  );
}

function How({ project }: { project: Project }) {
  const { slug, role, permissions } = useWorkspace();
  const isUnproved = useIsUnproved();
  const mayPush = role === "owner" || permissions.actions.includes("use_ide");
  return (
    <div className={css.clone}>
      <CodeToCopy text={`git clone ${project.repository.url}`} label="Copy the command" />
      {project.repository.kind === "remote" ? (
        <p>It lives elsewhere: who may clone and push is decided there. Stoa fetches what is pushed.</p>
      ) : (
        <>
          <p>
            Git asks for a name (anything) and a password: a{" "}
            {viewing() ? (
              "personal access token"
            ) : (
              <Link to="/$workspace/settings/{-$page}" params={{ workspace: slug, page: "tokens" }}>
                personal access token
              </Link>
            )}
            .{isUnproved && " Confirm your e-mail address first: confirming it later deletes the tokens made before."}
          </p>
          <p>
            {mayPush
              ? "A push deploys every instance of its branch, and needs all of them to be allowed to you."
              : "Pushing needs the permission Web IDE. Ask an owner of the workspace."}
          </p>
        </>
      )}
    </div>
  );
}
