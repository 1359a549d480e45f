import { Note } from "@/kit";

/** Beside the choice of who may open an instance that holds what came from production. */
export function OpenToAll() {
  return (
    <Note tone="warn">
      Its data came from production. While everybody may open it, whoever has the address can open production's data.
    </Note>
  );
}
