import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ifMatch, type Tagged } from "@/api/client";
import { changeServer } from "@/api/generated";
import type { Server } from "@/api/nouns";
import { useAct } from "@/api/queries";
import { NameDialog } from "@/kit";

export function RenameServer(props: { workspace: string; server: Tagged<Server>; onClose: () => void }) {
  const { server } = props;
  const navigate = useNavigate();
  const [name, setName] = useState(server.name);
  const save = useAct<void, Server>(props.workspace, {
    act: () => changeServer(props.workspace, server.id, { name: name.trim() }, ifMatch(server.etag)),
    nouns: ["servers", "instances"],
    onDone: ({ slug }) => {
      props.onClose();
      // Its address follows its name where the server says so.
      if (slug !== server.slug) void navigate({ to: `/${props.workspace}/servers/${slug}`, replace: true });
    },
  });
  return (
    <NameDialog
      title={`Rename ${server.name}`}
      name={name}
      before={server.name}
      onChange={setName}
      action="Rename"
      isBusy={save.isPending}
      problem={save.error}
      onDone={() => save.mutate()}
      onClose={props.onClose}
    />
  );
}
