import { useNavigate } from "@tanstack/react-router";
import { send } from "@/api/client";
import { queryClient } from "@/api/queries";
import { wear } from "@/theme/brand";

export function useSignOut(): () => void {
  const navigate = useNavigate();
  return () => {
    void send("DELETE", "/session")
      .catch(() => {})
      .finally(() => {
        wear(null);
        void navigate({ to: "/login", replace: true }).then(() => queryClient.clear());
      });
  };
}
