import { Button } from "@mantine/core";
import { type Fields, met } from "./met";
import { Said } from "./Said";
import { Note } from "./Status";

type Form<D> = { began: D; now: D; draft: D };

/** Says in a form that others have saved while it was filled in: what of it, by name, and what of one's own that meets. */
export function Meanwhile<D>({
  form,
  fields,
  drop,
}: {
  form: Form<D>;
  fields: (draft: D) => Fields;
  drop: () => void;
}) {
  const sentence = met(fields(form.began), fields(form.now), fields(form.draft));
  if (!sentence) return null;
  return (
    <Note tone="warn">
      <Said text={sentence} />{" "}
      <Button variant="transparent" onClick={drop}>
        Drop mine, and show what is saved
      </Button>
    </Note>
  );
}
