import { plural } from "./plural.ts";

const n = plural("en");

/**
 * Every text of the pages. This language is the type of the others: one that lacks a text does not
 * compile.
 *
 * The CRM's own name is never said: agencies show this page under names of their own.
 */
export const en = {
  title: "WhatsApp numbers",
  lead: "Messages from these numbers appear in Conversations, and answers go back through them.",
  addNumber: "Add number",
  menu: {
    open: "Page settings",
    language: "Language",
    theme: "Appearance",
    themes: { light: "Light", dark: "Dark", system: "As the system" },
  },
  close: "Close",
  cancel: "Cancel",
  save: "Save",
  saving: "Saving…",
  done: "Done",
  retry: "Try again",
  dismiss: "Dismiss",
  copy: "Copy",
  copied: "Copied",
  copyByHand: "Copying is not allowed here. Mark the text and copy it.",
  opensNewTab: "opens in a new tab",
  reference: "Reference",
  details: "Details",
  optional: "optional",
  loading: "Loading",

  start: {
    aloneTitle: "Open this page from your CRM",
    alone: "It shows the numbers of the sub-account that you are signed in to, and only the CRM can tell it which one that is.",
    silentTitle: "Your CRM did not answer",
    silent: "This page asked the page around it who you are, and got no answer within 10 seconds.",
    silentChecks: [
      "Is this page opened from the menu of your CRM, and not from a copied link?",
      "Has a shared secret been generated in the app's settings? The CRM stays silent until then.",
      "Does it help to reload the CRM?",
    ],
    strangerTitle: "This address is not allowed",
    stranger: (origin: string) =>
      `An answer came from ${origin}, which is not on this app's list of allowed addresses. Whoever runs the app can add it.`,
    unreachableTitle: "The service cannot be reached",
    unreachable: "Your numbers go on working. Check the connection of this device and try again.",
    subAccountTitle: "Open a sub-account",
    subAccount: "Numbers belong to a sub-account, and you are in the agency's view. Switch to a sub-account and open this page there.",
    notInstalledTitle: "Finish the installation",
    notInstalled: "The app is not authorised in this sub-account yet. Authorise it in the tab that opens, then come back here.",
    finish: "Finish installation",
    noInstallLink: "Install the app from the marketplace of your CRM, then open this page again.",
    badContextTitle: "The sign-in cannot be read",
    badContext: "What your CRM says about you cannot be decrypted. Whoever runs the app has to compare the shared secret in its settings with the one that was deployed.",
    busyTitle: "Too many requests",
    failedTitle: "That did not work",
    endedTitle: "Your session has ended",
    ended: "Nothing that you typed is lost. Sign in again to go on.",
    again: "Sign in again",
  },

  offline: "You are offline. What you see may be out of date.",
  stale: "The list cannot be refreshed at the moment; trying again.",
  readOnly: "You can look at everything here. Changes need an administrator of the sub-account.",

  crm: {
    title: "Connection to your CRM",
    ok: "Connected",
    okText: (when: string) => `Access renewed ${when}.`,
    expired: "Access has expired",
    expiredText: (waiting: number) =>
      waiting === 0
        ? "Messages are kept and delivered once access is renewed."
        : `Messages are kept: ${n(waiting, { one: "# conversation is", other: "# conversations are" })} waiting. They are delivered once access is renewed.`,
    suspended: "Suspended",
    suspendedText: "The sub-account is not active in your CRM. Messages are kept until it is.",
    other: (state: string) => `State: ${state}`,
    reconnect: "Reconnect",
    reconnectAgain: "Authorise again",
    reconnectWait: "Come back to this page when you have finished; it notices by itself.",
    secret: "Workflow secret",
    askAdmin: "An administrator of the sub-account can reconnect.",
  },

  oneConversation: {
    title: "One contact, one conversation",
    text: "In your CRM a contact has a single conversation, however many of your numbers it writes to. Which of them answers is decided by the rules below.",
  },

  states: {
    authorized: { name: "Connected", todo: "" },
    notAuthorized: { name: "Needs linking", todo: "No phone is linked. Link one to send and receive." },
    pendingCode: { name: "Waiting for code", todo: "A code was shown and has not been entered on the phone yet." },
    starting: { name: "Starting…", todo: "This can take up to five minutes." },
    yellowCard: {
      name: "Limited by WhatsApp",
      todo: "WhatsApp restricts this number for a while. Write only to people who have written to you.",
    },
    blocked: { name: "Banned", todo: "WhatsApp has banned this number. Appeal in WhatsApp on the phone, or link another one." },
    suspended: { name: "Suspended", todo: "WhatsApp has suspended this number for a while." },
    sleepMode: { name: "Phone asleep", todo: "The phone is off or has no connection. Turn it on." },
    unknown: { name: "No answer", todo: "The state of this number is not known. Check it again." },
  },
  stateOther: (word: string) => `GREEN-API reports: ${word}`,
  pauses: {
    bad_token: { name: "Token refused", todo: "GREEN-API no longer accepts the token. Enter the new one in the number's settings." },
    quota: { name: "Quota used up", todo: "The plan of this instance is used up. Messages wait; change the plan in GREEN-API's console." },
    expired: { name: "Not paid", todo: "The instance is not paid for. Pay for it in GREEN-API's console." },
    deleted: { name: "Deleted", todo: "The instance was deleted at GREEN-API. Remove the number here." },
  },

  number: {
    list: "Numbers",
    default: "Default",
    noPhone: "No phone linked",
    instance: (id: string) => `GREEN-API instance ${id}`,
    since: (when: string) => `since ${when}`,
    lastMessage: (when: string) => `Last message ${when}`,
    noMessage: "No messages yet",
    waitingPhone: (count: number) =>
      n(count, { one: "# conversation waiting for WhatsApp", other: "# conversations waiting for WhatsApp" }),
    waitingCrm: (count: number) =>
      n(count, { one: "# conversation waiting for the CRM", other: "# conversations waiting for the CRM" }),
    nothingWaits: "Nothing waiting",
    notConfigured: "Not set up yet",
    notConfiguredText: "GREEN-API does not have our settings yet. We keep trying; nothing has to be done.",
    link: "Link phone",
    settings: "Settings",
    test: "Test message",
    more: (name: string) => `More for ${name}`,
    relink: "Link again",
    check: "Check now",
    restart: "Restart",
    signOut: "Sign out phone",
    remove: "Remove",
    checked: (name: string, state: string) => `${name}: ${state}`,
    restarted: (name: string) => `${name} is restarting.`,
    signedOut: (name: string) => `The phone of ${name} is signed out.`,
  },

  empty: {
    title: "Connect your first number",
    steps: [
      "Create an instance in GREEN-API's console and note its id and token.",
      "Add it here.",
      "Scan the code with WhatsApp on the phone that has the number.",
    ],
    reader: "An administrator of the sub-account can add one.",
  },

  routing: {
    title: "Which number answers",
    text: "The first rule that finds a number is the one.",
    rules: {
      last_conversation: "The number that the contact wrote to last",
      tag: "The number in the contact's tag",
      default: "The default number",
    },
    defaultIs: (name: string) => `now ${name}`,
    oldest: "The oldest number",
    edit: "Change",
    up: (rule: string) => `Move up: ${rule}`,
    chooseDefault: "Default number",
    saved: "The order is saved.",
    language: "Language of notes in Conversations",
    languageHint: "For texts such as “Voice message” that your team reads there.",
  },

  /** By the `code` of a refusal. */
  problems: {
    admin_needed: "Only an administrator of the sub-account may do this.",
    already_linked: "A phone is linked already.",
    authorization_needed: "The app has to be authorised in this sub-account first.",
    auto_reply_without_text: "An automatic answer needs a text.",
    bad_address: "This address is not one of GREEN-API's.",
    bad_auto_reply: "The automatic answer cannot be like that.",
    bad_body: "The request was not understood. Reload the page.",
    bad_choice: "The request was not understood. Reload the page.",
    bad_context: "What your CRM says about you cannot be read.",
    bad_id: "There is no such number.",
    bad_instance_id: "This is not an instance id: it has digits only.",
    bad_name: "A name has 1 to 100 characters.",
    bad_phone: "This is not a phone number with its country code.",
    bad_request_id: "The request was not understood. Reload the page.",
    bad_routing: "This order is not possible.",
    bad_settings: "One of the settings is not possible.",
    bad_text: "A text has 1 to 1000 characters.",
    bad_token: "This cannot be a token.",
    body_too_large: "That is too much text.",
    context_used: "Your CRM repeated an old sign-in. Reload its page.",
    csrf_token_needed: "Load the page again, then try once more.",
    instance_deleted: "The instance was deleted at GREEN-API.",
    instance_elsewhere: "The number is in another account.",
    instance_expired: "The instance is not paid for. Pay for it in GREEN-API's console.",
    instance_taken: "This instance is in your list already.",
    instance_unusable: "GREEN-API does not give access to this instance. Look at its state.",
    invalid_credentials: "GREEN-API does not accept this id with this token.",
    method_not_allowed: "The request was not understood. Reload the page.",
    not_found: "It is not there any more. The list is being refreshed.",
    not_installed: "The app is not installed in this sub-account.",
    not_now: "The number cannot do this at the moment.",
    refused_by_provider: "GREEN-API refuses the instance.",
    second_step_needed: "Set up a second step for signing in first.",
    secret_lost: "The secret cannot be shown any more. Make a new one.",
    shut_out: "Somebody of your team has closed this for you. Ask an administrator.",
    sign_in_needed: "Your session has ended.",
    sub_account_needed: "A sub-account is needed.",
    too_many_requests: "Too many requests.",
    try_again: "The service or GREEN-API is busy. Nothing was changed; try again in a moment.",
    webhook_elsewhere: "Another program receives this number's messages.",
  },
  problemOther: "Something went wrong that this page does not know.",
  tooManyWait: (seconds: number) => n(seconds, { one: "Try again in # second.", other: "Try again in # seconds." }),
  network: "The service cannot be reached. Check the connection and try again.",
  timeout: "The service did not answer in time. What you asked for may have happened; look before you repeat it.",
  part: "A part of the page could not be loaded; it may have been updated. Reload the page.",
};

/** What every language has. */
export type Texts = typeof en;
