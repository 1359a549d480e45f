// How a terminal looks, and how it comes to its styles: the page's policy allows no style without its nonce.

import type { ITheme } from "@xterm/xterm";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="stoa-nonce"]')?.content ?? "";

/** Sets a style as a property: as an attribute the policy forbids it. */
function setAttribute(this: HTMLElement, name: string, value: string): void {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}

/** The document as a terminal sees it: what it makes of styles bears the nonce, or is set as properties. */
export function documentForTerminals(): Document {
  const createElement = (name: string, options?: ElementCreationOptions) => {
    const made = document.createElement(name, options);
    if (name === "style") made.nonce = nonce;
    else if (name === "span") made.setAttribute = setAttribute;
    return made;
  };
  return new Proxy(document, {
    get: (target, key) => {
      if (key === "createElement") return createElement;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * Does what opens a terminal. Some of its parts ask the page's own document for their styles, whatever document they are
 * given: meanwhile that one gives them the nonce too.
 */
export function withNonce(open: () => void): void {
  const own = document.createElement;
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const made = own.call(document, name, options);
    if (name === "style") made.nonce = nonce;
    return made;
  }) as typeof document.createElement;
  try {
    open();
  } finally {
    document.createElement = own;
  }
}

/**
 * Does what opens a terminal, which from then on hears only that it is seen. While it is told that it isn't it draws nothing,
 * and where that it is again doesn't come through (on a busy machine, while the page is laid out anew) it goes on showing
 * old lines. To draw what is hidden costs next to nothing.
 */
export function alwaysDrawn(open: () => void): void {
  const own = window.IntersectionObserver;
  window.IntersectionObserver = class extends own {
    constructor(hear: IntersectionObserverCallback, options?: IntersectionObserverInit) {
      super((told, observer) => {
        const seen = told.filter(({ isIntersecting }) => isIntersecting);
        if (seen.length > 0) hear(seen, observer);
      }, options);
    }
  };
  try {
    open();
  } finally {
    window.IntersectionObserver = own;
  }
}

/** The page's own colours, as they are in the scheme that is shown. */
export function themeOf(element: Element): ITheme {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  const [text, quiet] = [of("--text"), of("--text3")];
  return {
    background: of("--sunken"),
    foreground: text,
    cursor: text,
    cursorAccent: of("--sunken"),
    selectionBackground: of("--brand-tint-strong"),
    black: of("--text2"),
    red: of("--bad"),
    green: of("--good"),
    yellow: of("--warn"),
    blue: of("--work"),
    magenta: of("--code-keyword"),
    cyan: of("--code-function"),
    white: text,
    brightBlack: quiet,
    brightRed: of("--bad"),
    brightGreen: of("--good"),
    brightYellow: of("--warn"),
    brightBlue: of("--work"),
    brightMagenta: of("--code-keyword"),
    brightCyan: of("--code-function"),
    brightWhite: text,
  };
}
