/** Every text of the setup page; the type of the other languages. It is for whoever runs the app. */
export const en = {
  title: "Setting up the app",
  lead: "What the fields of the marketplace's portal take for this deployment. Nothing on this page is secret.",
  guide: "Each field, and why it is as it is, is in docs/marketplace.md of the sources.",
  notPublic: (origin: string) =>
    `The portal and the providers cannot reach ${origin}. Open this page under the public https address of the deployment, and copy the values there.`,
  auth: {
    title: "1. Access",
    text: "An app for sub-accounts, which agencies and sub-accounts may install.",
    scopes: "Scopes",
    scopesHint: "The last one is needed for workflow actions only. The portal may ask for them one by one.",
    redirect: "Redirect URL",
  },
  events: {
    title: "2. Webhooks",
    webhook: "Default webhook URL",
    events: "Events",
    eventsHint: "These two are on from the beginning. Others are taken and have no effect.",
  },
  provider: {
    title: "3. Conversation provider",
    text: "One or two, of the type SMS. Make them before anybody installs the app: one that is added later does not reach those who have installed already.",
    delivery: "Delivery URL of the channel",
    deliverySms: "Delivery URL of the default SMS",
    kinds: "Tick the box “custom conversation provider” for a channel beside the CRM's SMS. Leave it empty for a provider that can replace the default SMS, which alone is reached by the workflow step “Send SMS”; it is optional.",
  },
  page: { title: "4. Custom page", url: "Live URL", text: "It opens in a frame, and needs a shared secret to learn who is there: generate one." },
  action: {
    title: "5. Workflow actions",
    text: "Four of them, all with this address and these headers; their fields are in docs/workflow-actions.md.",
    url: "URL (POST)",
    header: (name: string) => `Header ${name}`,
  },
  back: {
    title: "6. What the deployment has to be told",
    ids: "As parameters of the stack: the client id, the app's id and the ids of the conversation providers.",
    secrets: "In its secret, and nowhere else: the client secret and the shared secret. The portal shows the client secret once.",
  },
};

export type SetupTexts = typeof en;
