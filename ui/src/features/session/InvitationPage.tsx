import { Button, TextInput } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { type AcceptInvitation, acceptInvitation, type Joined, signOut, viewInvitationLink } from "@/api/generated";
import type { InvitationLink } from "@/api/nouns";
import { isCode, type Problem } from "@/api/problem";
import { ME, queryClient, useMe } from "@/api/queries";
import { useMutation } from "@/api/useMutation";
import { goOnward } from "@/frame/useFocusOnward";
import { Cut, Failed, LoadingPage, Note, PersonAvatar, StatusBadge, useTitle } from "@/kit";
import { wear } from "@/theme/brand";
import { Entrance } from "./Entrance";
import { NewPasswordField } from "./PasswordField";
import { ProviderButton } from "./ProviderButton";
import { SignInForm, type Step } from "./SignInForm";
import css from "./session.module.css";
import { keep, keptToken, takeAlong } from "./takeToken";

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });

export function InvitationPage() {
  useTitle("Invitation");
  const params = useParams({ strict: false }) as { token?: string };
  const navigate = useNavigate();
  const [token] = useState(() => {
    if (params.token) keep(params.token);
    return keptToken();
  });
  useEffect(() => {
    if (params.token) void navigate({ to: "/join", replace: true });
  }, [params.token, navigate]);

  const me = useMe();
  const account = me.error ? undefined : me.data;
  const link = useQuery({
    queryKey: ["invitation", token, account?.id ?? null],
    queryFn: ({ signal }) => viewInvitationLink(token ?? "", { signal }),
    enabled: Boolean(token) && !me.isPending,
    gcTime: 0,
  });
  const color = link.data?.workspace.primary_color;
  useEffect(() => {
    if (color) wear(color);
  }, [color]);

  if (!token)
    return (
      <Entrance
        title="Open the link of your invitation again"
        lead="Its secret isn't kept when the page is loaded anew. The link is in the mail, or with whoever sent it to you."
      />
    );
  if (link.error && !isCode(link.error, ...Object.keys(ENDS)))
    return <Failed error={link.error} retry={() => void link.refetch()} />;
  if (link.error) return <Over problem={link.error as Problem} isSignedIn={account !== undefined} />;
  if (!link.data) return <LoadingPage />;
  return <Invitation token={token} link={link.data} account={account} />;
}

/** What each end of a link asks its holder to do. The server's codes, in the words of whoever stands before the page. */
const ENDS: Record<string, { title: string; sentence: string }> = {
  invitation_used: {
    title: "This invitation was accepted already",
    sentence: "The link works once. Sign in with the account that accepted it: the workspace is in its list.",
  },
  invitation_expired: {
    title: "This invitation has expired",
    sentence:
      "The link worked for seven days. Ask whoever invited you to send it again: that takes them one click and brings you a new link.",
  },
  invitation_revoked: {
    title: "This invitation was revoked",
    sentence:
      "Whoever sent it ended it, or is no longer an owner of the workspace. Ask one of its owners for a new one.",
  },
  invitation_replaced: {
    title: "A newer link was sent to you",
    sentence: "This one ended when the invitation was sent again. Open the link of the newest mail or message.",
  },
  invitation_voided: {
    title: "This link works no more",
    sentence:
      "Stoa was restored from a backup, which ends every link that was sent before. Ask whoever invited you to send it again: that takes them one click and brings you a new link.",
  },
  not_found: {
    title: "This invitation doesn't exist",
    sentence: "The link isn't whole, or isn't of this installation. Copy all of it, from the mail or from who sent it.",
  },
};

const USED_BY_ONESELF: (typeof ENDS)[string] = {
  title: "This invitation was accepted already",
  sentence: "The link works once. Where it was you who accepted it, the workspace is in your list.",
};

function Over({ problem, isSignedIn }: { problem: Problem; isSignedIn: boolean }) {
  const isMine = isSignedIn && problem.code === "invitation_used";
  const end = isMine ? USED_BY_ONESELF : ENDS[problem.code];
  return (
    <Entrance title={end?.title ?? problem.title} lead={end?.sentence}>
      <Button component={Link} to="/" variant="filled" data-size="lg" fullWidth>
        {isSignedIn ? "My workspaces" : "Sign in"}
      </Button>
    </Entrance>
  );
}

type Props = {
  token: string;
  link: InvitationLink;
  account: { name: string; email: string } | undefined;
};

function Invitation({ token, link, account }: Props) {
  const navigate = useNavigate();
  const [isSigningIn, setSigningIn] = useState(link.account_exists === true);
  const [step, setStep] = useState<Step>("password");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const accept = useMutation<Joined, Problem, AcceptInvitation>({
    mutationFn: (body) => acceptInvitation(token, body),
    onSuccess: async ({ workspace }) => {
      await queryClient.invalidateQueries({ queryKey: ME });
      goOnward();
      void navigate({ to: "/$workspace", params: { workspace: workspace.slug }, replace: true });
    },
  });
  const mine = account && account.email.toLowerCase() === link.email.toLowerCase();
  const lead = (
    <>
      <span style={{ display: "inline-flex", alignItems: "center", gap: 8 }}>
        <PersonAvatar name={link.invited_by} size={22} />
        <span>
          <strong style={{ fontWeight: 600, color: "var(--text)" }}>{link.invited_by}</strong> invites you.{" "}
          <span className={css.until}>Open until {day.format(Date.parse(link.expires_at))}.</span>
        </span>
      </span>
      {link.message && <span className={css.message}>{link.message}</span>}
    </>
  );
  const failed = accept.error && accept.error.errors.length === 0 ? accept.error : null;

  if (account && !mine) {
    const leave = async () => {
      await signOut().catch(() => {});
      await queryClient.resetQueries({ queryKey: ME });
    };
    return (
      <Entrance title={`Join ${link.workspace.name}`} lead={lead} workspace={link.workspace}>
        <div className={css.form}>
          <Note tone="warn">
            The invitation is for {link.email}. You are signed in as {account.email}, which can't accept it: an
            invitation is for one address alone.
          </Note>
          <Button variant="filled" data-size="lg" onClick={() => void leave()} fullWidth>
            Sign out and go on as {link.email}
          </Button>
          <Button component={Link} to="/" data-size="lg" fullWidth>
            <Cut text={`Stay signed in as ${account.name}`} />
          </Button>
        </div>
      </Entrance>
    );
  }
  const address = (
    <div>
      <div className={css.fixedLabel}>E-mail address</div>
      <div className={css.fixed}>
        <span>{link.email}</span>
        {/* Whether it has an account is told only where the link went by mail: then the address is proved by it. */}
        {link.account_exists !== undefined && !account && <StatusBadge status="running" word="Verified" />}
      </div>
    </div>
  );
  const nothing = (
    <p className={css.aside}>
      <IconInfoCircle size={16} stroke={1.75} aria-hidden />
      You start without permissions. An owner then chooses what you may see and do.
    </p>
  );
  if (mine)
    return (
      <Entrance title={`Join ${link.workspace.name}`} lead={lead} workspace={link.workspace}>
        <div className={css.form}>
          {address}
          {failed && <Note tone="bad">{failed.detail}</Note>}
          <Button
            variant="filled"
            data-size="lg"
            fullWidth
            autoFocus
            loading={accept.isPending}
            onClick={() => accept.mutate({})}
          >
            Join as {account.name}
          </Button>
          {nothing}
        </div>
      </Entrance>
    );
  if (isSigningIn)
    return (
      <Entrance title={`Join ${link.workspace.name}`} lead={lead} workspace={link.workspace}>
        <p className={css.lead}>
          {link.account_exists
            ? "This address has an account. Sign in with it to join."
            : "Sign in with this address to join."}
        </p>
        <SignInForm email={link.email} onStep={setStep} />
        {/* It makes no account: it stands where one is signed in to. */}
        {step === "password" && <ProviderButton onLeave={takeAlong} />}
        {link.account_exists === undefined && (
          <p style={{ marginTop: 20 }}>
            No account yet?{" "}
            <Button variant="transparent" onClick={() => setSigningIn(false)}>
              Create one with this address
            </Button>
          </p>
        )}
      </Entrance>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    accept.mutate({ name, password });
  };
  return (
    <Entrance title={`Join ${link.workspace.name}`} lead={lead} workspace={link.workspace}>
      <form className={css.form} onSubmit={submit} noValidate>
        {address}
        <TextInput
          label="Your name"
          autoComplete="name"
          required
          withAsterisk={false}
          autoFocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={accept.error?.field("name")}
        />
        <NewPasswordField value={password} onChange={setPassword} error={accept.error?.field("password")} />
        {failed && (
          <Note tone="bad">
            {isCode(failed, "unauthenticated")
              ? "This address has an account already. Sign in with it to join."
              : failed.detail}
          </Note>
        )}
        <Button type="submit" variant="filled" data-size="lg" loading={accept.isPending} fullWidth>
          Create account and join
        </Button>
        {nothing}
      </form>
      {link.account_exists !== false && (
        <p style={{ margin: "20px 0 0" }}>
          Already have an account?{" "}
          <Button variant="transparent" onClick={() => setSigningIn(true)}>
            Sign in with this address
          </Button>
        </p>
      )}
    </Entrance>
  );
}
