import { Checkbox, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { changePassword } from "@/api/generated";
import type { Problem } from "@/api/problem";
import { ME, queryClient } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { NewPasswordField } from "@/features/session/PasswordField";
import { Note, notice, WaitingButton } from "@/kit";
import css from "./settings.module.css";
import { toldOf } from "./useConfirmed";

export function PasswordForm({ confirmed }: { confirmed: <T>(act: () => Promise<T>) => Promise<T> }) {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [andTokens, setAndTokens] = useState(true);
  const change = useMutation<unknown, Problem>({
    mutationFn: () =>
      confirmed(() => changePassword({ old_password: old, new_password: fresh, delete_tokens: andTokens })),
    onSuccess: () => {
      setOld("");
      setFresh("");
      void notice(
        andTokens
          ? "The password is changed. All other sessions were ended, and your access tokens deleted."
          : "The password is changed. All other sessions were ended.",
      );
      setAndTokens(true);
      void queryClient.invalidateQueries({ queryKey: ME });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  const told = toldOf(change.error);
  return (
    <form className={css.form} onSubmit={submit} noValidate>
      <PasswordInput
        label="Current password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        value={old}
        onChange={(event) => setOld(event.currentTarget.value)}
        error={told?.field("old_password") ?? told?.field("password")}
      />
      <NewPasswordField label="New password" value={fresh} onChange={setFresh} error={told?.field("new_password")} />
      <Checkbox
        label="Delete my access tokens too"
        description="Whoever knew the password may have made one."
        checked={andTokens}
        onChange={(event) => setAndTokens(event.currentTarget.checked)}
      />
      {told && told.errors.length === 0 && <Note tone="bad">{told.detail}</Note>}
      <div className={css.buttons}>
        <WaitingButton
          type="submit"
          variant="filled"
          loading={change.isPending}
          why={old && fresh ? undefined : "Enter both passwords first"}
        >
          Change the password
        </WaitingButton>
      </div>
    </form>
  );
}
