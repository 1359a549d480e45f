import { type ComponentType, type ReactNode, useEffect, useState } from "react";

type Source<P> = { load: () => Promise<ComponentType<P>>; part?: ComponentType<P> };

/**
 * A part that is loaded when it is first shown: a dialog, for which nothing stands meanwhile, or a tab.
 *
 * Not by React's `lazy`: behind a `Suspense` what is there stays unseen until what stood for it was seen for 300 ms, each
 * one behind the one around it.
 */
export function later<P extends object>(load: Source<P>["load"], meanwhile?: ReactNode): ComponentType<P> {
  const source: Source<P> = { load };
  return (props) => <Later source={source} meanwhile={meanwhile} props={props} />;
}

type Props<P> = { source: Source<P>; meanwhile: ReactNode; props: P };

function Later<P extends object>({ source, meanwhile, props }: Props<P>) {
  const [Part, setPart] = useState(() => source.part);
  useEffect(() => {
    if (Part) return;
    source.load().then(
      (part) => {
        source.part = part;
        setPart(() => part);
      },
      // To whoever stands around it, as if it had been thrown here. The next who shows it loads it anew.
      (error: unknown) =>
        setPart(() => {
          throw error;
        }),
    );
  }, [Part, source]);
  return Part ? <Part {...props} /> : meanwhile;
}
