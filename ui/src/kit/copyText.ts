// Copying, also where the page isn't secure: browsers offer the clipboard on secure pages only, and an installation may be
// told to serve plain HTTP.

/** Copies what the element shows. Where that is refused the text is left selected, so that the keyboard copies it. */
export async function copyText(element: HTMLElement): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(element.textContent ?? "");
      return true;
    } catch {
      // Refused by the browser's settings; the older way below may still be allowed.
    }
  }
  const selection = window.getSelection();
  if (!selection) return false;
  selection.selectAllChildren(element);
  const isCopied = document.execCommand?.("copy") ?? false;
  if (isCopied) selection.removeAllRanges();
  return isCopied;
}
