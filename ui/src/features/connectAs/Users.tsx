import { IconCheck } from "@tabler/icons-react";
import type { ApplicationUser } from "@/api/generated";
import { Chip, Cut, PersonAvatar } from "@/kit";
import css from "./connectAs.module.css";

/** One of them is chosen, by the arrow keys too. Whom the application doesn't let in can't be. */
export function Users(props: {
  users: ApplicationUser[];
  query: string;
  chosen: string | null;
  onChoose: (user: ApplicationUser) => void;
}) {
  return (
    <div role="radiogroup" aria-label="Users" className={css.users}>
      {props.users.map((user) => (
        <label key={user.id} className={css.user} data-chosen={props.chosen === user.id || undefined}>
          <input
            type="radio"
            name="user"
            className="visually-hidden"
            checked={props.chosen === user.id}
            disabled={!user.active}
            onChange={() => props.onChoose(user)}
          />
          <PersonAvatar name={user.name} size={32} />
          <span className={css.names}>
            <span className={css.name}>
              <Marked text={user.name} query={props.query} />
            </span>
            {user.login !== user.name && (
              <span className={css.login}>
                <Marked text={user.login} query={props.query} />
              </span>
            )}
          </span>
          {!user.active && <Chip>Switched off</Chip>}
          {props.chosen === user.id && <IconCheck size={17} stroke={1.75} className={css.check} aria-hidden />}
        </label>
      ))}
    </div>
  );
}

/** What was searched for, marked where it stands. */
function Marked({ text, query }: { text: string; query: string }) {
  const at = query ? text.toLocaleLowerCase().indexOf(query.toLocaleLowerCase()) : -1;
  if (at < 0) return <Cut text={text} />;
  const end = at + query.length;
  return (
    <span title={text}>
      {text.slice(0, at)}
      <mark>{text.slice(at, end)}</mark>
      {text.slice(end)}
    </span>
  );
}
