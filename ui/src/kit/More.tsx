import { Button } from "@mantine/core";
import css from "./kit.module.css";

/** The next page of a list, when there is one. */
export function More(props: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }) {
  if (!props.hasNextPage) return null;
  return (
    <div className={css.end}>
      <Button variant="subtle" loading={props.isFetchingNextPage} onClick={() => props.fetchNextPage()}>
        Show more
      </Button>
    </div>
  );
}
