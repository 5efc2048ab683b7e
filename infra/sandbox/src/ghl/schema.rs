//! The fields that each body may have. The corpus test compares them with the official OpenAPI
//! documents; `GET /_sandbox/ghl/schemas` shows them.

use serde_json::{Value, json};

use crate::validate::{Field, Kind, describe, may, need};

pub(crate) const TOKEN: &[Field] = &[
    need("client_id", Kind::Str),
    need("client_secret", Kind::Str),
    need(
        "grant_type",
        Kind::Enum(&["authorization_code", "refresh_token", "client_credentials"]),
    ),
    may("code", Kind::Str),
    may("refresh_token", Kind::Str),
    may("user_type", Kind::Enum(&["Company", "Location"])),
    may("redirect_uri", Kind::Str),
];

pub(crate) const LOCATION_TOKEN: &[Field] =
    &[need("companyId", Kind::Str), need("locationId", Kind::Str)];

/// The query; everything in it is text (GHL contract, agency to location token).
pub(crate) const INSTALLED_LOCATIONS: &[Field] = &[
    may("skip", Kind::Str),
    may("limit", Kind::Str),
    may("query", Kind::Str),
    may("isInstalled", Kind::Any),
    need("companyId", Kind::Str),
    need("appId", Kind::Str),
    may("versionId", Kind::Str),
    may("onTrial", Kind::Any),
    may("planId", Kind::Str),
    may("locationId", Kind::Str),
];

const DND_STATUS: Kind = Kind::Object(&[
    need("status", Kind::Enum(&["active", "inactive", "permanent"])),
    may("message", Kind::Str),
    may("code", Kind::Str),
]);

const DND: Kind = Kind::Object(&[
    may("Call", DND_STATUS),
    may("Email", DND_STATUS),
    may("SMS", DND_STATUS),
    may("WhatsApp", DND_STATUS),
    may("GMB", DND_STATUS),
    may("FB", DND_STATUS),
]);

const INBOUND_DND: Kind = Kind::Object(&[may(
    "all",
    Kind::Object(&[
        need("status", Kind::Enum(&["active", "inactive"])),
        may("message", Kind::Str),
    ]),
)]);

const CUSTOM_FIELDS: Kind = Kind::Objects(
    &[
        need("id", Kind::Str),
        may("key", Kind::Str),
        may("field_value", Kind::Any),
    ],
    0,
    usize::MAX,
);

pub(crate) const UPSERT: &[Field] = &[
    need("locationId", Kind::Str),
    may("firstName", Kind::NullStr),
    may("lastName", Kind::NullStr),
    may("name", Kind::NullStr),
    may("email", Kind::NullStr),
    may("gender", Kind::Str),
    may("phone", Kind::NullStr),
    may("address1", Kind::NullStr),
    may("city", Kind::NullStr),
    may("state", Kind::NullStr),
    may("postalCode", Kind::Str),
    may("website", Kind::NullStr),
    may("timezone", Kind::NullStr),
    may("dnd", Kind::Bool),
    may("dndSettings", DND),
    may("inboundDndSettings", INBOUND_DND),
    may("tags", Kind::Strs(0)),
    may("customFields", CUSTOM_FIELDS),
    may("source", Kind::Str),
    may("dateOfBirth", Kind::Any),
    may("country", Kind::Str),
    may("companyName", Kind::NullStr),
    may("assignedTo", Kind::Str),
    may("createNewIfDuplicateAllowed", Kind::Bool),
];

pub(crate) const UPDATE: &[Field] = &[
    may("firstName", Kind::NullStr),
    may("lastName", Kind::NullStr),
    may("name", Kind::NullStr),
    may("email", Kind::NullStr),
    may("phone", Kind::NullStr),
    may("address1", Kind::NullStr),
    may("city", Kind::NullStr),
    may("state", Kind::NullStr),
    may("postalCode", Kind::Str),
    may("website", Kind::NullStr),
    may("timezone", Kind::NullStr),
    may("dnd", Kind::Bool),
    may("dndSettings", DND),
    may("inboundDndSettings", INBOUND_DND),
    may("tags", Kind::Strs(0)),
    may("customFields", CUSTOM_FIELDS),
    may("source", Kind::NullStr),
    may("dateOfBirth", Kind::Any),
    may("country", Kind::Str),
    may("assignedTo", Kind::NullStr),
];

pub(crate) const TAGS: &[Field] = &[need("tags", Kind::Strs(0))];

pub(crate) const CONVERSATION: &[Field] =
    &[need("locationId", Kind::Str), need("contactId", Kind::Str)];

pub(crate) const INBOUND: &[Field] = &[
    need(
        "type",
        Kind::Enum(&[
            "SMS",
            "RCS",
            "Email",
            "WhatsApp",
            "GMB",
            "IG",
            "FB",
            "Custom",
            "WebChat",
            "Live_Chat",
            "Call",
            "IVR_Call",
            "Campaign_Call",
            "Campaign_VoiceMail",
            "TIKTOK",
            "ALL_IN_ONE_CHAT",
            "FORM_SUBMISSION",
        ]),
    ),
    may("attachments", Kind::Strs(1)),
    may("message", Kind::Str),
    may("conversationId", Kind::Str),
    may("contactId", Kind::Str),
    may("conversationProviderId", Kind::Str),
    may("html", Kind::Str),
    may("subject", Kind::Str),
    may("emailFrom", Kind::Str),
    may("emailTo", Kind::Str),
    may("emailCc", Kind::Strs(0)),
    may("emailBcc", Kind::Strs(0)),
    may("emailMessageId", Kind::Str),
    may("altId", Kind::Str),
    may("direction", Kind::Enum(&["inbound", "outbound"])),
    may("date", Kind::Str),
    may(
        "call",
        Kind::Object(&[
            may("to", Kind::Str),
            may("from", Kind::Str),
            may(
                "status",
                Kind::Enum(&[
                    "pending",
                    "completed",
                    "answered",
                    "busy",
                    "no-answer",
                    "failed",
                    "canceled",
                    "voicemail",
                ]),
            ),
        ]),
    ),
];

const STATUSES: Kind = Kind::Enum(&["delivered", "failed", "pending", "read"]);

pub(crate) const STATUS: &[Field] = &[
    need("status", STATUSES),
    may(
        "error",
        Kind::Object(&[
            need("code", Kind::Str),
            need("type", Kind::Str),
            need("message", Kind::Str),
        ]),
    ),
    may("emailMessageId", Kind::Str),
    may("recipients", Kind::Strs(0)),
];

pub(crate) const SEND: &[Field] = &[
    need(
        "type",
        Kind::Enum(&[
            "Custom",
            "Email",
            "FB",
            "IG",
            "InternalComment",
            "Live_Chat",
            "RCS",
            "SMS",
            "TIKTOK",
            "WhatsApp",
        ]),
    ),
    need("contactId", Kind::Str),
    may("subType", Kind::Str),
    may("appointmentId", Kind::Str),
    may("attachments", Kind::Strs(0)),
    may("emailFrom", Kind::Str),
    may("emailCc", Kind::Strs(0)),
    may("emailBcc", Kind::Strs(0)),
    may("html", Kind::Str),
    may("message", Kind::Str),
    may("subject", Kind::Str),
    may("replyMessageId", Kind::Str),
    may("templateId", Kind::Str),
    may("threadId", Kind::Str),
    may("scheduledTimestamp", Kind::Num),
    may("conversationProviderId", Kind::Str),
    may("emailTo", Kind::Str),
    may("customSubtypeId", Kind::Str),
    may("emailReplyMode", Kind::Enum(&["reply", "reply_all"])),
    may("fromNumber", Kind::Str),
    may("toNumber", Kind::Str),
    may(
        "forward",
        Kind::Object(&[
            need("isForwarded", Kind::Bool),
            may("forwardWholeThread", Kind::Bool),
            may("messageId", Kind::Str),
            may("emailMessageId", Kind::Str),
            may("sourceContactId", Kind::Str),
            may("sourceConversationId", Kind::Str),
            may("toEmail", Kind::Str),
            may("recipientContactId", Kind::Str),
            may("recipientConversationId", Kind::Str),
        ]),
    ),
    may("status", STATUSES),
    may("usesNativeSchedulingAi", Kind::Bool),
    may("optimizationPeriod", Kind::Enum(&["24h", "48h", "72h"])),
    may("mentions", Kind::Strs(0)),
    may("userId", Kind::Str),
];

/// Every table under its method and the path of the official document.
pub(crate) fn all() -> Value {
    json!({
        "post /oauth/token": describe(TOKEN),
        "post /oauth/locationToken": describe(LOCATION_TOKEN),
        "get /oauth/installedLocations": describe(INSTALLED_LOCATIONS),
        "post /contacts/upsert": describe(UPSERT),
        "put /contacts/{contactId}": describe(UPDATE),
        "post /contacts/{contactId}/tags": describe(TAGS),
        "delete /contacts/{contactId}/tags": describe(TAGS),
        "post /conversations/": describe(CONVERSATION),
        "post /conversations/messages": describe(SEND),
        "post /conversations/messages/inbound": describe(INBOUND),
        "put /conversations/messages/{messageId}/status": describe(STATUS),
    })
}
