import { useRouter } from "@tanstack/react-router";
import { problemOf } from "@/api/problem";
import { Failed } from "@/kit";

/** What a page shows that couldn't be loaded or drawn. */
export function RouteError({ error, reset }: { error: unknown; reset: () => void }) {
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  return <Failed error={problemOf(error)} retry={again} />;
}
