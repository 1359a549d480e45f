import type { ComponentProps } from "react";
import { State } from "@/kit";

/** A state that is the whole page, without the frame around it. */
export function Alone(props: ComponentProps<typeof State>) {
  return (
    <main>
      <State {...props} />
    </main>
  );
}
