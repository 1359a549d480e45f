import { type ComponentType, lazy, type ReactNode, Suspense } from "react";

/** A part that is loaded when it is first shown: a dialog, for which nothing stands meanwhile, or a tab. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
  meanwhile?: ReactNode,
): ComponentType<P> {
  const Part = lazy(async () => ({ default: (await load()) as ComponentType<object> }));
  return (props) => (
    <Suspense fallback={meanwhile}>
      <Part {...props} />
    </Suspense>
  );
}
