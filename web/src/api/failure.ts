import type { HandshakeTrouble } from "../crm/handshake.ts";
import type { components } from "./schema.d.ts";

/** Members that some refusals have beside the usual ones. */
interface Members {
  /** `webhook_elsewhere`: where notifications go now. */
  host?: string;
  /** `instance_unusable`: why. */
  reason?: string;
  /** `too_many_requests`: seconds. */
  retryAfter?: number;
}

export type Problem = Readonly<components["schemas"]["Problem"] & Members>;

/** Everything that can become of a call instead of its answer. */
export type Failure =
  | { kind: "problem"; problem: Problem; reference: string }
  /** The answer is none of ours. */
  | { kind: "strange"; status: number; reference: string }
  /** No answer, or not all of it. */
  | { kind: "network" }
  | { kind: "timeout" }
  /** A part of the page itself did not come. */
  | { kind: "part" }
  /** The surrounding page did not say who is there. */
  | { kind: "handshake"; trouble: HandshakeTrouble; origin: string };

export class CallFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.kind === "problem" ? failure.problem.code : failure.kind);
    this.failure = failure;
  }
}

/** Whatever was thrown, as a failure. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallFailed) return error.failure;
  if (error instanceof DOMException && error.name === "TimeoutError") return { kind: "timeout" };
  return { kind: "network" };
}

export function codeOf(failure: Failure): string {
  return failure.kind === "problem" ? failure.problem.code : "";
}

/** The refusal in an answer that is none of the good ones. */
export async function refusalIn(answer: Response): Promise<Failure> {
  // API Gateway's and CloudFront's ids lead to the log line.
  const reference =
    answer.headers.get("apigw-requestid") ?? answer.headers.get("x-amz-cf-id") ?? "";
  const type = answer.headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) {
    const body: unknown = await answer.json().catch(() => null);
    if (isProblem(body)) return { kind: "problem", problem: body, reference };
  }
  return { kind: "strange", status: answer.status, reference };
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === "object" &&
    body !== null &&
    "code" in body &&
    typeof body.code === "string" &&
    "title" in body &&
    typeof body.title === "string"
  );
}
