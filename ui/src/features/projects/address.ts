// Addresses of repositories, as they are typed in and shown.

/** Whether an address is reached by ssh, for which Stoa makes a key, or by HTTPS, which may want a token. */
export const isBySsh = (url: string) => /^ssh:\/\//.test(url.trim()) || /^[\w.-]+@[^/:]+:/.test(url.trim());

/** The host of an address. */
export const hostOf = (url: string) =>
  url
    .replace(/^\w+:\/\//, "")
    .replace(/^[^@/]*@/, "")
    .replace(/[:/].*$/, "");
