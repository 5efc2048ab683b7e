import type { Instance } from "../api/client.ts";

/** Dialogs about one number. */
export type NumberDialog = "link" | "settings" | "test" | "sign-out" | "restart" | "remove";

/** The dialog that is open, and what about. */
export type Opened = { dialog: "add" | "routing" | "secret" } | { dialog: NumberDialog; number: Instance };
