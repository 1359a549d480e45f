// An error as the API tells it. The page switches on `code`, and shows `detail`.

export type FieldError = { field: string; code: string; detail: string };

export type ProblemBody = {
  status: number;
  code: string;
  title: string;
  detail: string;
  errors?: FieldError[];
  missing?: string[];
  ask?: { name: string }[];
  ways?: string[];
};

export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldError[];
  readonly missing: string[];
  readonly ask: { name: string }[];
  /** In which ways a second factor can be shown, where one is due. */
  readonly ways: string[] | undefined;
  readonly retryAfter: number | null;

  constructor(body: ProblemBody, retryAfter: number | null = null) {
    super(body.detail);
    this.status = body.status;
    this.code = body.code;
    this.title = body.title;
    this.detail = body.detail;
    this.errors = body.errors ?? [];
    this.missing = body.missing ?? [];
    this.ask = body.ask ?? [];
    this.ways = body.ways;
    this.retryAfter = retryAfter;
  }

  /** What is said about one field of a form. */
  field(name: string): string | undefined {
    return this.errors.find((error) => error.field === name)?.detail;
  }
}

const UNREACHED: ProblemBody = {
  status: 0,
  code: "unreachable",
  title: "Can't reach the server",
  detail: "Stoa doesn't answer. Check the connection, then try again.",
};

export function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(UNREACHED);
}

export async function readProblem(response: Response): Promise<Problem> {
  const wait = Number(response.headers.get("retry-after"));
  const body = (await response.json().catch(() => null)) as ProblemBody | null;
  if (body && typeof body.code === "string") return new Problem(body, wait || null);
  const detail = `The server answered ${response.status} without saying why. Try again.`;
  return new Problem({ status: response.status, code: "unknown", title: "Something failed", detail }, wait || null);
}

/** Whether somebody isn't let in, any more. Other failures say nothing about what was seen before, which stays. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Problem && [401, 403, 404].includes(error.status);
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Problem && codes.includes(error.code);
}
