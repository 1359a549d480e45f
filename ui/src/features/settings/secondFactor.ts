import { ME, queryClient } from "@/api/queries";

/** What was refused for want of a second factor is asked anew too. */
export async function refreshFactors(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: [...ME, "second-factor"] });
  await queryClient.invalidateQueries({ queryKey: [...ME, "passkeys"] });
  queryClient.removeQueries({ predicate: ({ queryKey, state }) => queryKey[0] !== ME[0] && state.error !== null });
}
