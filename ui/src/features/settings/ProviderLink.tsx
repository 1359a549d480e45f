import { Button } from "@mantine/core";
import { IconLogin2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { linkIdentity, unlinkIdentity, viewIdentity } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { leaveFor } from "@/features/session/leave";
import { Chip, ConfirmDialog, Note, Panel, Section, Time } from "@/kit";
import css from "./settings.module.css";
import { toldOf } from "./useConfirmed";

/** The operator's sign-in provider, where there is one. */
export function ProviderLink({ confirmed }: { confirmed: <T>(act: () => Promise<T>) => Promise<T> }) {
  const [isUnlinking, setUnlinking] = useState(false);
  const seen = useQuery({
    queryKey: [...ME, "identity"],
    // Without a provider there is nothing here.
    queryFn: ({ signal }) => viewIdentity({ signal }),
  });
  const link = useMutation<{ url: string }, Problem>({
    mutationFn: () => confirmed(() => linkIdentity()),
    onSuccess: ({ url }) => leaveFor(url),
  });
  const unlink = useMutation<unknown, Problem>({
    mutationFn: () => confirmed(() => unlinkIdentity()),
    onSuccess: () => {
      setUnlinking(false);
      return queryClient.invalidateQueries({ queryKey: [...ME, "identity"] });
    },
  });
  if (!seen.data) return null;
  const { provider, email, linked_at: since } = seen.data;
  const problem = toldOf(link.error);
  return (
    <Section title="Sign-in provider">
      <Panel>
        <div className={css.line}>
          <IconLogin2 size={20} stroke={1.75} aria-hidden />
          <div className={css.grow}>
            <div className={css.strong}>
              {provider} {since && <Chip tone="good">Linked</Chip>}
            </div>
            <div className={css.small}>
              {since ? (
                <>
                  As {email}, <Time at={since} />. Signing in there is enough here, but for a second factor.
                </>
              ) : (
                `Sign in at ${provider} instead of with your password. It has to know you by the same, verified address.`
              )}
            </div>
          </div>
          {since ? (
            <Button onClick={() => setUnlinking(true)}>Unlink</Button>
          ) : (
            <Button loading={link.isPending || link.isSuccess} onClick={() => link.mutate()}>
              Link
            </Button>
          )}
        </div>
      </Panel>
      {problem && (
        <div style={{ marginTop: 12 }}>
          <Note tone="bad">{problem.detail}</Note>
        </div>
      )}
      <ConfirmDialog
        opened={isUnlinking}
        onClose={() => setUnlinking(false)}
        title={`Unlink ${provider}?`}
        action="Unlink"
        danger={false}
        busy={unlink.isPending}
        problem={toldOf(unlink.error)}
        onConfirm={() => unlink.mutate()}
      >
        Signing in there opens this account no more. Your password does, as ever.
      </ConfirmDialog>
    </Section>
  );
}
