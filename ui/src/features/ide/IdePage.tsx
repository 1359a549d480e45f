import { Button } from "@mantine/core";
import { IconCode, IconLoader2 } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { endDesk, openDesk } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { State, useTitle } from "@/kit";
import type { Place } from "./files";
import { Ide } from "./Ide";
import css from "./ide.module.css";
import { deskKey } from "./useWorkingCopy";

/** The IDE of one's own desk on an instance: it is opened first, which may take a moment the first time. */
export function IdePage({ workspace, instance }: { workspace: string; instance: Instance }) {
  useTitle(`IDE · ${instance.name}`);
  const place: Place = { workspace, instance: instance.id };
  const client = useQueryClient();
  const desk = useQuery({
    queryKey: [...deskKey(place), "open"],
    queryFn: () => openDesk(place.workspace, place.instance),
    gcTime: 0,
    retry: false,
  });
  const reopen = () => {
    client.removeQueries({ queryKey: [...deskKey(place), "status"] });
    void desk.refetch();
  };
  const anew = useMutation({
    mutationFn: () => endDesk(place.workspace, place.instance, { discard: true }),
    onSuccess: async () => {
      client.removeQueries({ queryKey: [...deskKey(place), "status"] });
      client.removeQueries({ queryKey: [...deskKey(place), "files"] });
      await desk.refetch();
    },
  });
  if (desk.error && !desk.isFetching)
    return (
      <State
        icon={IconCode}
        title="The IDE can't be opened"
        actions={
          <Button variant="filled" onClick={reopen}>
            Try again
          </Button>
        }
      >
        {problemOf(desk.error).detail}
      </State>
    );
  if (!desk.data || desk.isFetching)
    return (
      <div className={css.opening} role="status">
        <IconLoader2 className={css.turning} size={18} stroke={1.75} aria-hidden />
        <span>Opening your desk on {instance.name}: a sandbox with your own working copy…</span>
      </div>
    );
  return (
    <Ide
      key={instance.id}
      place={place}
      name={instance.name}
      onReopen={reopen}
      onAnew={() => anew.mutate()}
      isAnew={anew.isPending}
    />
  );
}
