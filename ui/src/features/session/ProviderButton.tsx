import { Button } from "@mantine/core";
import { IconLogin2 } from "@tabler/icons-react";
import { sendToProvider } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { useMutation } from "@/api/useMutation";
import { Note } from "@/kit";
import { leaveFor } from "./leave";
import css from "./session.module.css";
import { useWays } from "./useWays";

/** Signing in at the operator's provider, where there is one. `onLeave`: what is to be kept meanwhile. */
export function ProviderButton({ onLeave }: { onLeave?: () => void }) {
  const ways = useWays();
  const send = useMutation<{ url: string }, Problem>({
    mutationFn: () => sendToProvider(),
    onSuccess: ({ url }) => {
      onLeave?.();
      leaveFor(url);
    },
  });
  const name = ways.data?.provider;
  if (!name) return null;
  return (
    <div className={css.provider}>
      <div className={css.or}>or</div>
      <Button
        data-size="lg"
        fullWidth
        loading={send.isPending || send.isSuccess}
        onClick={() => send.mutate()}
        leftSection={<IconLogin2 size={18} stroke={1.75} />}
      >
        Continue with {name}
      </Button>
      {send.error && <Note tone="bad">{send.error.detail}</Note>}
    </div>
  );
}
