/** What a portal's field of the marketplace app takes, in the order in which it asks. */
export type ValueName =
  | "redirect"
  | "webhook"
  | "delivery"
  | "deliverySms"
  | "page"
  | "action"
  | "scopes"
  | "events"
  | "headerSecret"
  | "headerLocation"
  | "headerPhone";

/** As many as the functions ask for when somebody installs the app; a test compares the two. */
export const SCOPES = [
  "conversations.readonly",
  "conversations.write",
  "conversations/message.readonly",
  "conversations/message.write",
  "contacts.readonly",
  "contacts.write",
  "locations.readonly",
  "users.readonly",
  "oauth.readonly",
  "oauth.write",
] as const;

/** Needed in the portal alone, to make workflow actions. */
export const ACTION_SCOPE = "workflows.readonly";

/** The values of the deployment that answers under `origin`. None of them is a secret. */
export function valuesOf(origin: string): Record<ValueName, string> {
  return {
    redirect: `${origin}/oauth/callback`,
    webhook: `${origin}/webhooks/ghl`,
    delivery: `${origin}/webhooks/ghl`,
    deliverySms: `${origin}/webhooks/ghl/sms`,
    page: `${origin}/app/whatsapp`,
    action: `${origin}/webhooks/workflow-action`,
    scopes: [...SCOPES, ACTION_SCOPE].join(" "),
    events: "INSTALL UNINSTALL",
    headerSecret: "{{custom_values.whatsapp_workflow_secret}}",
    headerLocation: "{{location.id}}",
    headerPhone: "{{contact.phone}}",
  };
}

/** The portal refuses redirects to plain http, and to this machine. */
export function isPublic(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === "https:" && hostname !== "localhost";
}
