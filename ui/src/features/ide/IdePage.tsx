import { Button } from "@mantine/core";
import { IconCode, IconLoader2 } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { endDesk, openDesk } from "@/api/generated";
import type { Instance } from "@/api/nouns";
import { problemOf } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { Note, State, useTitle } from "@/kit";
import type { Place } from "./files";
import { forgetEdits, useEditsKey } from "./heldEdits";
import { Ide } from "./Ide";
import css from "./ide.module.css";
import { deskKey } from "./useWorkingCopy";

/** The IDE of one's own desk on an instance: it is opened first, which may take a moment the first time. */
export function IdePage({ workspace, instance }: { workspace: string; instance: Instance }) {
  useTitle(`IDE · ${instance.name}`);
  const place: Place = { workspace, instance: instance.id };
  const client = useQueryClient();
  const key = useEditsKey(instance.id);
  const isDeleting = instance.status === "deleting";
  const opening = [...deskKey(place), "open"];
  // After a break it is asked anew with all else: whoever is in the midst of something stays there meanwhile.
  const desk = useQuery({
    queryKey: opening,
    queryFn: () => openDesk(place.workspace, place.instance),
    gcTime: 0,
    retry: false,
  });
  const reopen = () => {
    client.removeQueries({ queryKey: [...deskKey(place), "status"] });
    void client.resetQueries({ queryKey: opening });
  };
  const anew = useMutation({
    mutationFn: () => endDesk(place.workspace, place.instance, { discard: true }),
    onSuccess: async () => {
      forgetEdits(key);
      client.removeQueries({ queryKey: [...deskKey(place), "status"] });
      client.removeQueries({ queryKey: [...deskKey(place), "files"] });
      await client.resetQueries({ queryKey: opening });
    },
  });
  if (desk.error && !desk.data && !desk.isFetching)
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
  if (!desk.data)
    return (
      <div className={css.opening} role="status">
        <IconLoader2 className={css.turning} size={18} stroke={1.75} aria-hidden />
        <span>Opening your desk on {instance.name}: a sandbox with your own working copy…</span>
      </div>
    );
  return (
    <>
      {isDeleting && (
        <div className={css.deleting}>
          <Note tone="warn">
            {instance.name} is being deleted, and your desk with it. What you pushed stays in the repository. What you
            didn't can be copied from here while this page is open.
          </Note>
        </div>
      )}
      <Ide
        key={instance.id}
        place={place}
        name={instance.name}
        isDeleting={isDeleting}
        onReopen={reopen}
        onAnew={() => anew.mutate()}
        isAnew={anew.isPending}
      />
    </>
  );
}
